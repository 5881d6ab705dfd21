# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Features of a frozen encoder, computed once and kept on disk: most of a training step's cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
import hashlib
from itertools import product
import json
import math
import os
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from grin_ros.camera import Camera
from grin_ros.models.grin import GRIN
from grin_ros.models.image_encoder import Joined
from grin_ros.precision import autocast

from .config import TrainConfig
from .rows import JoinedRows, Rows
from .sample import Sample
from .source import median, Source
from .stop import exit_on_sigterm
from .transforms import augment

BATCH = 8  # images encoded at a time
WORLDS = 2  # and of the worlds that are rendered as needed; raise it where they look otherwise

# What a cache keeps of some views: arrays of as many rows.
Make = Callable[[list[Sample]], list[np.ndarray]]


def images(views: list[Sample]) -> torch.Tensor:
    """Stack pictures of one size: (B, 3, H, W) float32 in [0, 1]."""
    pixels = np.stack([view.image for view in views])  # much quicker than torch's
    return torch.from_numpy(pixels).float().div_(255).permute(0, 3, 1, 2)


@dataclass
class FeatureCache:
    """
    Maps of a frozen encoder, with depth and K, for `variants` augmented views per sample.

    Views stay on the disk, which bounds their number; one is read when it is drawn.

    size: (H, W) of the views
    maps: per scale its float16 rows (views, C, h, w)
    depth: rows (views, H, W) float16, metres, 0 unknown; a resolution of 0.05 %, below any label's
    K: rows (views, 3, 3) float32
    """

    size: tuple[int, int]
    maps: list[Sequence[np.ndarray]]
    depth: Sequence[np.ndarray]
    K: Sequence[np.ndarray]

    def medians(self) -> list[float]:
        """Tell the median depth of each view, metres; 0 of one without any."""
        return [median(depth) for depth in self.depth]

    @classmethod
    def open(cls, folder: Path, source: Source, model: GRIN, device, seed: int) -> FeatureCache:
        """
        Open the cache of a source under `folder`, after filling it where it is not complete.

        Every part of a joined encoder has a cache of its own, which others with that part share;
        so have depth and K, which depend on the share of labels while the maps do not.

        raises: OSError where the disk is too full
        """
        joined = isinstance(model.encoder, Joined)
        parts = model.encoder.parts if joined else [model.encoder]
        makes = {
            _place(folder, source, seed, part): partial(_maps, part, device) for part in parts
        }
        truth = _place(folder, source, seed)
        _complete({**makes, truth: _truth}, source, seed)
        maps = [_rows(place) for place in makes]
        return cls(
            source.size, model.encoder.join(maps, JoinedRows) if joined else maps[0], *_rows(truth)
        )


def open_caches(
    config: TrainConfig, sources: Sequence[Source], model: GRIN, device: torch.device
) -> list[FeatureCache | None]:
    """Open the caches of a recipe's sources; None of one whose views are not kept."""
    folder = Path(config.features or Path(config.output) / 'features')
    # Views are not seeded by the recipe, so that runs that differ in their seed share them.
    return [
        FeatureCache.open(folder, source, model, device, 0) if source.config.variants else None
        for source in sources
    ]


def _place(folder: Path, source: Source, seed: int, encoder: nn.Module | None = None) -> Path:
    """Name the cache of an encoder's maps, or of depth and K: another where these would differ."""
    config = {
        k: v for k, v in asdict(source.config).items() if k not in ('weight', 'images', 'centre')
    }
    version = WORLDS if source.config.world else 0
    about = [_views(), version, config, source.count, source.size, seed]
    about += [source.labels] if encoder is None else [encoder.strides]
    digest = hashlib.sha256()
    for path in source.files():  # another set may come to lie where this one lies
        if path.suffix == '.json':
            digest.update(path.read_bytes())
        else:
            about.append((path.name, path.stat().st_size, path.stat().st_mtime_ns))
    digest.update(json.dumps(about).encode())
    for value in encoder.state_dict().values() if encoder else ():
        digest.update(value.cpu().numpy().tobytes())
    kind = 'depth' if encoder is None else 'maps'
    return folder / f'{source.name}-{kind}-{digest.hexdigest()[:12]}'


@cache
def _views() -> str:
    """Tell apart the ways in which `augment` may make views, by what it makes of one picture."""
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (64, 48))
    depth = cv2.resize(rng.uniform(1, 9, (6, 8)).astype(np.float32), (64, 48))
    sample, digest = Sample(image, depth, Camera.default((48, 64)), 'probe'), hashlib.sha256()
    for kind, seed in product(('window', 'rescale', 'flip'), range(16)):
        view = augment(sample, (32, 40), np.random.default_rng(seed), kind)
        for made in (view.image, view.depth, view.camera.K.numpy()):
            digest.update(made.tobytes())
    return digest.hexdigest()


def _rows(place: Path) -> list[Rows]:
    return [Rows(place / f'{i}.npy') for i in range(len(list(place.glob('*.npy'))))]


def _maps(encoder: nn.Module, device, views: list[Sample]) -> list[np.ndarray]:
    with autocast(device):
        found = encoder.eval()(images(views).to(device))
    return [maps.half().cpu().numpy() for maps in found]


def _truth(views: list[Sample]) -> list[np.ndarray]:
    depth = np.stack([view.depth.clip(0, 6e4) for view in views]).astype(np.float16)
    return [depth, np.stack([view.camera.K.numpy() for view in views])]


def _complete(makes: dict[Path, Make], source: Source, seed: int) -> None:
    """Fill those caches of a source that are not complete; each view is made once for all."""
    makes = {place: make for place, make in makes.items() if not (place / 'complete').is_file()}
    if not makes:
        return
    folder = next(iter(makes)).parent
    folder.mkdir(parents=True, exist_ok=True)
    # Several runs may fill them at once: each fills its own, and the first to end stays.
    with exit_on_sigterm(), TemporaryDirectory(dir=folder, prefix='filling-') as partial_folder:
        _fill({Path(partial_folder, p.name): make for p, make in makes.items()}, source, seed)
        for place in makes:
            if not (place / 'complete').is_file():
                shutil.rmtree(place, ignore_errors=True)
                Path(partial_folder, place.name).rename(place)


@torch.inference_mode()
def _fill(makes: dict[Path, Make], source: Source, seed: int) -> None:
    total, arrays = source.count * source.config.variants, {}
    for start in tqdm(range(0, total, BATCH), f'encode {source.name}', unit=f'{BATCH} images'):
        rows = range(start, min(start + BATCH, total))
        views = [source.view(i // source.config.variants, (seed, i)) for i in rows]
        for place, make in makes.items():
            made = make(views)
            if place not in arrays:
                place.mkdir()
                arrays[place] = [
                    _array(place / f'{i}.npy', values.dtype, (total, *values.shape[1:]))
                    for i, values in enumerate(made)
                ]
            for array, values in zip(arrays[place], made, strict=True):
                array[rows.start : rows.stop] = values
    for place in makes:
        for array in arrays[place]:
            array.flush()
        (place / 'complete').touch()


def _array(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.memmap:
    """Make an array on disk, holes filled: a full disk would kill who writes to a mapped hole."""
    try:
        array = np.lib.format.open_memmap(path, 'w+', dtype, shape)
        if hasattr(os, 'posix_fallocate'):  # not on macOS
            with path.open('rb+') as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        size = math.prod(shape) * dtype.itemsize / 2**30
        raise OSError(
            f'{path.parents[2]}: no room for {size:.1f} GiB of features ({error.strerror}); '
            'free some, or name another folder in `features`'
        ) from None
    return array
