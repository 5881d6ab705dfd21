# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`grin study scene`: how well what `grin scene` makes up agrees with a rendered room.

From new places the first view's cloud leaves holes. For each true surface point that lies in one,
the distance to the nearest point of the cloud is taken: of the first view alone (nothing filled),
with the holes continued from the nearest pixel, and filled by the model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree
import torch
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.inpaint import open_filler
from grin_ros.options import (
    add_inference_arguments,
    add_pipeline_arguments,
    at_least_one,
    inference_options,
    load_pipeline,
)
from grin_ros.scene import path, Scene, View

from .infill import infill
from .sample import Sample
from .world.drive import around

SUMMARY = 'what `grin scene` makes up, against rendered rooms'
FARTHEST = 20.0  # metres
NEAR = 0.1  # share of a point's depth within which the cloud is right


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin study scene`."""
    parser.add_argument('--rooms', type=at_least_one, default=4, metavar='N', help='(4)')
    parser.add_argument('--views', type=at_least_one, default=3, metavar='N', help='new ones (3)')
    parser.add_argument('--size', type=int, nargs=2, default=(96, 128), metavar=('H', 'W'))
    parser.add_argument('--inpaint', type=Path, metavar='PATH', help='as of `grin scene`')
    parser.add_argument('--sheet', type=Path, metavar='PNG', help='draw the last view of each')
    add_pipeline_arguments(parser)
    add_inference_arguments(parser)


def measure(args: argparse.Namespace) -> tuple[str, list[dict]]:
    """Return a title and the rows of the table."""
    pipeline, options = load_pipeline(args), inference_options(args)
    fill = open_filler(args.inpaint, args.device)
    poses = path(np.array([0.5, 0.0, -0.2]), -8.0, args.views + 1)
    found, sheet = {}, []
    for seed in tqdm(range(args.rooms), 'rooms', disable=None):
        truth = around('room', seed, poses, tuple(args.size))
        for first, depth in (
            ('rendered', truth[0].depth),
            ('predicted', np.nan_to_num(pipeline.infer(
                truth[0].image, truth[0].camera, **options).depth)),
        ):  # fmt: skip
            made = arms(truth, depth, poses, pipeline, fill, options)
            for name, (points, views) in made.items():
                found.setdefault((first, name), []).append(points)
                if first == 'rendered' and name == 'filled by the model':
                    sheet.append(_drawn(truth, views))
    if args.sheet:
        pictures.write(args.sheet, np.vstack(sheet))
    rows = []
    for (first, name), runs in found.items():
        errors = np.concatenate(runs)
        rows.append({
            '': name, 'depth of the first view': first,
            'mean distance': float(errors.mean()), 'median': float(np.median(errors)),
            f'within {NEAR:.0%}': float((errors < NEAR).mean()), 'points': len(errors),
        })  # fmt: skip
    return (
        f'{args.rooms} rooms, {args.views} new views each; distances of true points in holes to '
        'the cloud, as a share of their depth'
    ), rows


def arms(
    truth: list[Sample], depth: np.ndarray, poses: list[np.ndarray], pipeline, fill, options: dict
) -> dict[str, tuple[np.ndarray, list[View]]]:  # fmt: skip
    """
    Fill the holes in each way.

    depth: (H, W), metres, of the first view
    returns: name -> relative distances (N,) of the true points in the holes, and the views
    """
    first = View(truth[0].image, depth.astype(np.float32), poses[0])
    bare = Scene(truth[0].camera)
    bare.add(first)
    holes = [bare.look(pose).depth <= 0 for pose in poses[1:]]

    class Nearest:
        """Continues the nearest known depth, as a pipeline would predict it."""

        def infer(self, image, camera, prompt, **options):
            known = np.zeros(camera.size, np.float32)
            known[tuple(prompt.uv.astype(int).T[::-1])] = prompt.depth
            return argparse.Namespace(depth=infill(known, FARTHEST))

    made = {'not filled': (bare, [])}
    for name, one in (('nearest pixel', Nearest()), ('filled by the model', pipeline)):
        scene, views = Scene(truth[0].camera), []
        scene.add(first)
        for pose in poses[1:]:
            views.append(scene.grow(pose, one, fill, **(options if one is pipeline else {})))
        made[name] = scene, views
    return {
        name: (_distances(scene, truth[1:], holes), views) for name, (scene, views) in made.items()
    }


def _distances(scene: Scene, truth: list[Sample], holes: list[np.ndarray]) -> np.ndarray:
    """Relative distance to the cloud of each true point that lies in a hole."""
    tree, found = cKDTree(scene.points), []
    for sample, hole in zip(truth, holes, strict=True):
        wanted = hole & (sample.depth > 0) & (sample.depth < FARTHEST)
        grid = sample.camera.unproject(torch.from_numpy(sample.depth)[None]).permute(1, 2, 0)
        points = grid.numpy()[wanted] @ sample.pose[:3, :3].T + sample.pose[:3, 3]
        found.append(tree.query(points)[0] / sample.depth[wanted])
    return np.concatenate(found)


def _drawn(truth: list[Sample], views: list[View]) -> np.ndarray:
    """Draw the last view: picture, filled picture and the depths of both."""
    sample, view = truth[-1], views[-1]
    near, far = pictures.depth_range(sample.depth)
    maps = [
        pictures.colorize(np.where(depth > 0, depth, np.nan), near, far)
        for depth in (sample.depth, view.depth)
    ]
    row = np.hstack([sample.image, view.image, *maps])
    return cv2.resize(row, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
