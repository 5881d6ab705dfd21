# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`grin study prompt`: beams of a LiDAR as the prompt, judged on beams that are not in it.

Every fourth beam is judged, in all rows the same. Prompts are spread over every other fourth, as
many as that has, except for the last: it has all beams but a quarter of the judged ones, in four
turns.
"""

from __future__ import annotations

import argparse

import numpy as np
from tqdm import tqdm

from grin_ros.options import (
    add_inference_arguments,
    add_pipeline_arguments,
    at_least_one,
    inference_options,
    load_pipeline,
)
from grin_ros.pipeline import DepthPipeline
from grin_ros.projection import hidden, parallax, project, z_buffer
from grin_ros.prompt import Prompt
from grin_ros.ros.from_msg import read_camera, read_image, read_points

from .bag import BagReader, stamp_of
from .evaluation import spread_over
from .metrics import depth_metrics
from .tf import Transforms

SUMMARY = 'depth with 1, 4, 16 and 64 beams of a bag as the prompt, judged on other beams'
FOURTH = 4  # every fourth beam is judged
SPREAD = (0, 1, 4, 16)  # beams of a prompt
# How the known beams are used; the last needs no model.
METHODS = ('impute', 'scale', 'nearest')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin study prompt`."""
    parser.add_argument('bag', help='with a rectified camera, PointCloud2 and /tf_static')
    parser.add_argument(
        '--frames', type=at_least_one, default=8, metavar='N', help='spread over the bag (8)'
    )
    parser.add_argument('--weight', type=float, default=1.0, metavar='W', help='of the prompt (1)')
    parser.add_argument(
        '--resample', type=at_least_one, default=1, metavar='N', help='of the prompt (1)'
    )
    add_pipeline_arguments(parser)
    add_inference_arguments(parser)


def measure(args: argparse.Namespace) -> tuple[str, list[dict]]:
    """Return a title and the rows of the table."""
    pipeline, frames = load_pipeline(args), list(read_frames(args.bag, args.frames))
    options = inference_options(args)
    prompt = {'weight': args.weight, 'resample': args.resample}
    count = max(int(frame['beam'].max()) for frame in frames) + 1
    rows = []
    for beams in (*(n for n in SPREAD if FOURTH * n <= count), count):
        errors = {name: [] for name in METHODS}
        for frame in tqdm(frames, f'{beams} beams', disable=None, leave=False):
            if not beams:
                frame['plain'] = pipeline.infer(frame['image'], frame['camera'], **options).depth
            for known, judged in turns(beams, count):
                for name, (depth, truth) in answers(
                    pipeline, frame, known, judged, options, prompt
                ).items():
                    errors[name].append(depth_metrics(depth, truth, np.ones(len(truth), bool)))
        rows.append({'beams': f'{beams} less {count // 16}' if beams == count else beams})
        for name in METHODS if beams else METHODS[:1]:
            for figure in ('abs_rel', 'delta1'):
                mean = np.mean([one[figure] for one in errors[name]])
                rows[-1][f'{name} {figure}'] = float(mean)
    title = f'{args.bag}: {len(frames)} frames, judged on beams 2, 6, 10 ... of {count}'
    return title, rows


def turns(beams: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the prompt's beams and the judged ones, of each turn."""
    every = np.arange(count)
    judged = every[every % FOURTH == FOURTH // 2]
    if beams == count:
        parts = [judged[turn::4] for turn in range(4)]
        return [(np.setdiff1d(every, part), part) for part in parts]
    others = every[every % FOURTH == 0]
    if not beams:
        return [(others[:0], judged)]
    step = len(others) // beams
    # From the middle of each part: a single beam is one that sees the ground before the car.
    return [(others[(step - 1) // 2 :: step][:beams], judged)]


def answers(
    pipeline: DepthPipeline, frame: dict, known: np.ndarray, judged: np.ndarray, options: dict,
    prompt: dict,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Return predicted and true depth of the judged beams by each method: (N,), metres."""
    camera, plain = frame['camera'], frame['plain']
    seen = np.isin(frame['winner_beam'], judged)
    v, u = np.nonzero(seen)
    truth = frame['depth'][v, u]
    farthest = pipeline.config.depth.max  # what the model calls sky is far
    if not len(known):
        return {'impute': (np.nan_to_num(plain[v, u], nan=farthest), truth)}
    points = frame['points'][np.isin(frame['beam'], known)]
    given = Prompt.from_points(points, frame['pose'], camera, **prompt)
    if not len(given):
        raise ValueError(f'the camera sees no point of the beams {known.tolist()}; use other bags')
    known_u, known_v = given.uv.astype(int).T
    seen_there = np.nan_to_num(plain[known_v, known_u], nan=farthest)  # as --scale-only takes it
    scale = np.median(given.depth / seen_there)
    distance = np.linalg.norm(
        np.stack([u, v], 1)[:, None].astype(np.float32) - given.uv[None], axis=2
    )
    depths = {
        'impute': pipeline.infer(frame['image'], camera, prompt=given, **options).depth[v, u],
        'scale': scale * plain[v, u],
        'nearest': given.depth[distance.argmin(1)],
    }
    return {name: (np.nan_to_num(d, nan=farthest), truth) for name, d in depths.items()}


def read_frames(path: str, count: int):
    """Yield images with the points of the nearest sweep and what the camera sees of them."""
    with BagReader(path) as bag:
        transforms = Transforms()
        for _, message in bag.messages('/tf_static'):
            for one in message.transforms:
                move, turn = one.transform.translation, one.transform.rotation
                transforms.add(
                    one.header.frame_id, one.child_frame_id, (move.x, move.y, move.z),
                    (turn.x, turn.y, turn.z, turn.w),
                )  # fmt: skip
        sweeps = [message for _, message in bag.messages(bag.points_topic())]
        stamps = np.array([stamp_of(sweep) for sweep in sweeps])
        frames = list(bag.frames())
        for index in spread_over(len(frames), count):
            message, info = frames[index]
            image = read_image(message)
            camera = read_camera(info, image.shape[:2], rectified=True)
            sweep = sweeps[np.abs(stamps - stamp_of(message)).argmin()]
            pose = transforms.lookup(
                message.header.frame_id, sweep.header.frame_id, np.array([stamp_of(message)])
            )[0]
            points, beam = beams_of(sweep)
            in_camera = points @ pose[:3, :3].T + pose[:3, 3]
            uv, at = project(in_camera, camera)
            depth, winner = z_buffer(uv, in_camera[at, 2], camera.size)
            winner[hidden(depth, parallax(pose[:3, 3], camera))] = -1
            winner_beam = np.where(winner >= 0, beam[at][winner], -1)
            yield {
                'image': image, 'camera': camera, 'points': points, 'beam': beam, 'pose': pose,
                'depth': depth, 'winner_beam': winner_beam,
            }  # fmt: skip


def beams_of(sweep) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the points of a sweep (N, 3) and the number of the beam of each, the highest first.

    Without a field `ring` the points must come beam by beam, as KITTI's do: then a new beam
    begins where the azimuth starts over.
    """
    names = [field.name for field in sweep.fields]
    points, fields = read_points(sweep, ('ring',) if 'ring' in names else ())
    keep = np.isfinite(points).all(axis=1) & points.any(axis=1)  # no return may also be 0
    points = points[keep]
    if fields:
        ring = fields['ring'][keep].astype(int)
        height = np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]))
        used = np.unique(ring)
        order = used[np.argsort([-np.median(height[ring == one]) for one in used])]
        rank = np.zeros(ring.max() + 1, int)
        rank[order] = np.arange(len(order))
        return points, rank[ring]
    azimuth = np.mod(np.arctan2(points[:, 1], points[:, 0]), 2 * np.pi)
    begins = (azimuth[1:] < np.pi / 2) & (azimuth[:-1] > 1.5 * np.pi)
    beam = np.concatenate([[0], np.cumsum(begins)])
    if not 8 <= beam[-1] + 1 <= 256:
        raise ValueError(
            f'the sweep has no field ring and {beam[-1] + 1} rounds of azimuth; use a bag whose '
            'points come beam by beam or have a ring'
        )
    return points, beam
