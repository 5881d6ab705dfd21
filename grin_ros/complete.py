# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin complete`: an image and a little known depth to dense metric depth."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.camera import Camera
from grin_ros.intrinsics import Intrinsics
from grin_ros.known import KnownDepth, pose_of
from grin_ros.options import at_least_one, inference_options, load_pipeline
from grin_ros.predict import add_arguments as add_predict_arguments
from grin_ros.predict import Output
from grin_ros.rectifier import Rectifier
from grin_ros.sources import find_sources, read_image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin complete`: those of `grin predict` and the prompt's."""
    add_predict_arguments(parser)
    group = parser.add_argument_group('known depth')
    group.add_argument(
        '--known', type=Path, metavar='PATH', help='file or folder: depth map (.png of 16 bits '
        'with 0 = unknown, .npy in metres), rows of u, v, depth (.csv), or cloud (.ply, .pcd); '
        'default: <stem>.depth.png or the like beside the image',
    )  # fmt: skip
    group.add_argument(
        '--depth-scale', type=float, metavar='S', help="of .png, value per metre (frames.json's, "
        'else 256)',
    )  # fmt: skip
    group.add_argument(
        '--extrinsic', type=float, nargs=7, default=(0, 0, 0, 0, 0, 0, 1),
        metavar=('X', 'Y', 'Z', 'QX', 'QY', 'QZ', 'QW'),
        help="pose of the cloud's frame in the camera's optical frame (identity)",
    )  # fmt: skip
    add_prompt_arguments(group)


def add_prompt_arguments(group) -> None:
    """Declare --weight, --resample and --scale-only."""
    add_prompt_weights(group)
    group.add_argument(
        '--scale-only', action='store_true', help='only multiply by median(known / predicted)'
    )


def add_prompt_weights(group) -> None:
    """Declare --weight and --resample."""
    group.add_argument(
        '--weight', type=float, default=1.0, metavar='W',
        help='0 to 1: how far surroundings follow what is known (1)',
    )  # fmt: skip
    group.add_argument(
        '--resample', type=at_least_one, default=1, metavar='N',
        help='repeat every step N times, so that the rest agrees with what is known (1)',
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Complete every image."""
    sources, intrinsics = find_sources(args.paths), Intrinsics(args)
    known = KnownDepth(
        args.known, args.depth_scale, pose_of(args.extrinsic), weight=args.weight,
        resample=args.resample, scale_only=args.scale_only,
    )  # fmt: skip
    depths = {
        file.resolve()
        for source in sources
        for file in known.find(source.path)[:1]
        if file.resolve() != source.path.resolve()
    }
    sources = [source for source in sources if source.path.resolve() not in depths]
    files = [known.file(source.path) for source in sources]  # all are there before any is used
    if args.known and args.known.is_file() and len(sources) > 1:
        raise ValueError(f'{args.known} is one file for {len(sources)} images; give its folder')
    output = Output(args, sources, files)
    pipeline, rectify, used = load_pipeline(args), Rectifier(), 0
    for source, file in zip(tqdm(sources, unit='image', disable=None), files, strict=True):
        image = read_image(source, stored=bool(args.camera_info))
        camera = intrinsics.camera(source, image.shape[:2])
        raw = Camera.default(image.shape[:2]) if camera is None else camera
        image, pinhole, seen = rectify(image, raw)
        if seen is not None:
            pictures.write(output.path(source, 'rectified.png'), image)
        prompt = known.prompt(source.path, raw, pinhole)
        prediction = pipeline.infer(image, pinhole, prompt=prompt, **inference_options(args))
        if not prediction.known:
            raise ValueError(
                f'{file} has no depth in the image and in the range of the network; check '
                '--extrinsic and --depth-scale, and that it is in metres'
            )
        used += prediction.known
        depth = prediction.depth if seen is None else np.where(seen, prediction.depth, np.nan)
        output.write(source, image, depth.astype(np.float32), prediction.camera)
    print(f'{len(sources)} depth maps in {args.output}, {used} known pixels used')
    return 0
