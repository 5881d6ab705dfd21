# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin predict`: images to files of metric depth."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.camera import Camera
from grin_ros.cloud import write_ply
from grin_ros.intrinsics import add_intrinsics_arguments, Intrinsics
from grin_ros.known import KnownDepth
from grin_ros.options import (
    add_inference_arguments,
    add_pipeline_arguments,
    inference_options,
    load_pipeline,
)
from grin_ros.rectifier import Rectifier
from grin_ros.sources import find_sources, read_image, Source

PNG_SCALE = 256  # stored value per metre


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin predict`."""
    parser.add_argument('paths', nargs='+', metavar='PATH', help='image, folder or frames.json')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='OUT', help='folder')
    add_intrinsics_arguments(parser)
    add_pipeline_arguments(parser)
    add_inference_arguments(parser)
    parser.add_argument(
        '--format',
        choices=('npy', 'png'),
        default='npy',
        help=f'npy: float32 metres, NaN = unknown; png: 16 bit, metres x {PNG_SCALE}, 0 = unknown',
    )
    parser.add_argument('--no-preview', action='store_true', help='no <stem>.preview.jpg')
    parser.add_argument('--cloud', action='store_true', help='also <stem>.ply, coloured')


class Output:
    """
    The files of each image.

    args: with output, format, no_preview and cloud
    sources: the images, one per stem
    known: files of known depth; like the images they are never overwritten
    """

    def __init__(
        self, args: argparse.Namespace, sources: Sequence[Source], known: Iterable[Path]
    ):  # fmt: skip
        self._folder, self._format = args.output, args.format
        self._preview, self._cloud = not args.no_preview, args.cloud
        endings = [self._format, 'rectified.png']
        endings += ['preview.jpg'] * self._preview + ['ply'] * self._cloud
        kept = {file.resolve() for file in (*known, *(source.path for source in sources))}
        first: dict[str, Path] = {}
        for source in sources:
            stem = source.path.stem
            if stem in first:
                raise ValueError(
                    f'{first[stem]} and {source.path} would both write {stem}.*; '
                    'predict them into different folders'
                )
            first[stem] = source.path
            for file in (self.path(source, ending) for ending in endings):
                if file.resolve() in kept:
                    raise ValueError(
                        f'{file}, an image or known depth, would be overwritten; '
                        'choose another -o folder'
                    )
        self._folder.mkdir(parents=True, exist_ok=True)

    def path(self, source: Source, ending: str) -> Path:
        """Return the file of an image with an ending such as `npy`."""
        return self._folder / f'{source.path.stem}.{ending}'

    def write(self, source: Source, image: np.ndarray, depth: np.ndarray, camera: Camera) -> None:
        """
        Write what was asked for.

        image: (H, W, 3) uint8 RGB
        depth: (H, W) float32, metres, NaN where unknown
        camera: of depth
        """
        if self._format == 'npy':
            np.save(self.path(source, 'npy'), depth)
        else:
            pictures.write(self.path(source, 'png'), encode_png(depth))
        if self._preview:
            near, far = pictures.depth_range(depth)
            preview = pictures.with_legend(pictures.colorize(depth, near, far), near, far)
            pictures.write(self.path(source, 'preview.jpg'), preview)
        if self._cloud:
            points = camera.unproject(torch.from_numpy(depth)[None]).permute(1, 2, 0)
            write_ply(
                self.path(source, 'ply'), points.reshape(-1, 3).numpy(), image.reshape(-1, 3)
            )


def encode_png(depth: np.ndarray) -> np.ndarray:
    """Return metres x 256 as uint16; 0 where unknown or beyond what 16 bits hold."""
    value = np.rint(np.nan_to_num(depth.astype(np.float64), nan=0, posinf=0) * PNG_SCALE)
    return np.where(value <= 65535, value, 0).astype(np.uint16)


def run(args: argparse.Namespace) -> int:
    """Predict every image."""
    sources, intrinsics = find_sources(args.paths), Intrinsics(args)
    beside = KnownDepth(None, None, np.eye(4))  # which `grin complete` would use
    found = (file for source in sources for file in beside.find(source.path))
    # A .npy is what a run before this one left; it may be written again.
    output = Output(args, sources, [file for file in found if file.suffix != '.npy'])
    pipeline = load_pipeline(args)
    rectify = Rectifier()
    rectified = 0
    for source in tqdm(sources, unit='image', disable=None):
        image = read_image(source, stored=bool(args.camera_info))
        camera = intrinsics.camera(source, image.shape[:2])
        seen = None
        if camera is not None and camera.distortion is not None:
            image, camera, seen = rectify(image, camera)
            pictures.write(output.path(source, 'rectified.png'), image)
            rectified += 1
        prediction = pipeline.infer(image, camera, **inference_options(args))
        depth = prediction.depth if seen is None else np.where(seen, prediction.depth, np.nan)
        output.write(source, image, depth.astype(np.float32), prediction.camera)
    if rectified:
        print(
            f'{rectified} images had lens distortion: their depth belongs to '
            f'{args.output}/<stem>.rectified.png'
        )
    print(f'{len(sources)} depth maps in {args.output}')
    return 0
