# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin scene`: from one image or a text to a metric cloud and a flight through it."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.camera import Camera
from grin_ros.cloud import write_ply
from grin_ros.complete import add_prompt_weights
from grin_ros.inpaint import open_diffusers, open_filler, painted
from grin_ros.intrinsics import add_intrinsics_arguments, Intrinsics
from grin_ros.options import (
    add_inference_arguments,
    add_pipeline_arguments,
    at_least_one,
    inference_options,
    load_pipeline,
)
from grin_ros.predict import encode_png, PNG_SCALE
from grin_ros.rectifier import Rectifier
from grin_ros.scene import path, Scene, View
from grin_ros.sources import find_sources, read_image, Source

RATE = 15  # frames per second of the video
SECONDS = 4  # there and back
PIXELS = 1_000_000  # of a view at most; a scene of a camera's 24 MP would take GiBs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin scene`."""
    parser.add_argument('image', nargs='?', type=Path, metavar='IMAGE', help='shrunk to 1 MP')
    parser.add_argument('--text', metavar='T', help='what to show, instead of an image')
    parser.add_argument(
        '--t2i', type=Path, metavar='DIR', help='local diffusers text-to-image pipeline'
    )
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='OUT', help='folder')
    group = parser.add_argument_group('new views')
    group.add_argument(
        '--inpaint', type=Path, metavar='PATH', help='fills the holes of pictures: a checkpoint '
        'of `grin pretrain` or the folder of a diffusers pipeline; default: smoothly, no network',
    )  # fmt: skip
    group.add_argument(
        '--views', type=at_least_one, default=4, metavar='N', help='places on the way (4)'
    )
    group.add_argument(
        '--move', type=float, nargs=3, default=(0.4, 0.0, 0.2), metavar=('X', 'Y', 'Z'),
        help='metres to the right, down and forward, to the last view (0.4 0 0.2)',
    )  # fmt: skip
    group.add_argument('--turn', type=float, default=-5.0, metavar='DEG', help='to the right (-5)')
    group.add_argument('--seed', type=int, default=0, metavar='N', help='of all noise (0)')
    add_prompt_weights(group)
    add_intrinsics_arguments(parser)
    add_pipeline_arguments(parser)
    add_inference_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Make a scene."""
    image, camera = _first(args)
    pipeline, options = load_pipeline(args), {'seed': args.seed, **inference_options(args)}
    fill = open_filler(args.inpaint, args.device, args.text or '', args.seed)
    image, camera, seen = Rectifier()(image, camera)
    depth = np.nan_to_num(pipeline.infer(image, camera, **options).depth)
    depth = depth if seen is None else np.where(seen, depth, 0)
    start, *places = path(np.array(args.move), args.turn, args.views + 1)
    scene, views = Scene(camera), [View(image, depth.astype(np.float32), start)]
    scene.add(views[0])
    args.output.mkdir(parents=True, exist_ok=True)  # before the long part
    for pose in tqdm(places, 'views', unit='view', disable=None):
        view = scene.grow(
            pose, pipeline, fill, weight=args.weight, resample=args.resample, **options
        )
        views.append(view)
    write_ply(args.output / 'scene.ply', scene.points, scene.colours)
    write_frames(args.output / 'frames', views, camera)
    write_video(args.output / 'scene.mp4', scene, np.array(args.move), args.turn)
    print(f'{len(scene.points)} points of {len(views)} views in {args.output}')
    return 0


def _first(args: argparse.Namespace) -> tuple[np.ndarray, Camera]:
    """Read the image, or have it made from the text."""
    if (args.image is None) == (args.text is None):
        raise ValueError('give either an image or --text')
    if args.text is None:
        if not args.image.is_file():
            raise FileNotFoundError(f'there is no image {args.image}; name a picture')
        sources = find_sources([args.image])
        if len(sources) != 1:
            raise ValueError(f'{args.image} names {len(sources)} images; a scene begins with one')
        (source,) = sources
        image = read_image(source, stored=bool(args.camera_info))
    else:
        if args.t2i is None:
            raise ValueError('--text needs a local diffusers text-to-image pipeline: --t2i DIR')
        pipe = open_diffusers(args.t2i, 'AutoPipelineForText2Image', args.device)
        generator = torch.Generator().manual_seed(args.seed)
        image = painted(pipe, prompt=args.text, generator=generator)
        # Nobody knows the camera of what never was; one that sees 90 degrees will do.
        source = Source(Path('text.png'), Camera.default(image.shape[:2]))
    size = image.shape[:2]
    return _shrunk(image, Intrinsics(args).camera(source, size) or Camera.default(size))


def _shrunk(image: np.ndarray, camera: Camera) -> tuple[np.ndarray, Camera]:
    scale = math.sqrt(PIXELS / (image.shape[0] * image.shape[1]))
    if scale >= 1:
        return image, camera
    size = tuple(max(1, int(side * scale)) for side in image.shape[:2])
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), camera.resize(size)


def write_frames(folder: Path, views: list[View], camera: Camera) -> None:
    """Write views as a sample set: pictures, metric depth, camera and poses."""
    folder.mkdir(parents=True, exist_ok=True)
    height, width = camera.size
    K = [float(k) for k in (camera.fx, camera.fy, camera.cx, camera.cy)]
    frames = []
    for number, view in enumerate(views):
        names = f'{number:03d}.png', f'{number:03d}.depth.png'
        pictures.write(folder / names[0], view.image)
        pictures.write(folder / names[1], encode_png(view.depth))
        frames.append(
            {'rgb': names[0], 'depth': names[1], 'depth_scale': PNG_SCALE, 'K': K,
             'width': width, 'height': height, 'T_world_camera': view.pose.tolist()}
        )  # fmt: skip
    about = {'source': 'grin scene: one view and what was made up', 'licence': "the image's",
             'depth_kind': 'synthetic', 'domain': 'other', 'min_depth': 0.01,
             'max_depth': 200.0, 'frames': frames}  # fmt: skip
    (folder / 'frames.json').write_text(json.dumps(about, indent=1))


def write_video(file: Path, scene: Scene, move: np.ndarray, turn: float) -> None:
    """Write a flight along the way and back."""
    size = scene.camera.size[::-1]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*'mp4v'), RATE, size)
    if not writer.isOpened():
        raise OSError(f'{file} cannot be written as a video; this OpenCV has no MPEG-4 encoder')
    there = path(move, turn, max(2, RATE * SECONDS // 2))
    for pose in tqdm([*there, *there[::-1]], 'video', unit='frame', disable=None):
        writer.write(np.ascontiguousarray(scene.look(pose).image[..., ::-1]))
    writer.release()
