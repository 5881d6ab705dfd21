# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Features of a frozen encoder, computed once and kept on disk: most of a training step's cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
import hashlib
import json
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from grin_ros.models.grin import GRIN
from grin_ros.models.image_encoder import Joined
from grin_ros.sampler import autocast

from .config import TrainConfig
from .rows import JoinedRows, Rows
from .sample import Sample
from .source import Source

BATCH = 8  # images encoded at a time
VIEWS = 2  # version of how `augment` makes views; caches of another one are not taken for its own


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

    def shares(self, centre: float) -> np.ndarray:
        """
        Shares (views,) with which views are drawn, so that their distances spread around a centre.

        Most data sets have a favourite distance, and a network that knows no better answers with
        that. Views are counted by their median depth in steps of 28 % and drawn against their
        count, with a log-normal preference a factor of 1.8 wide; none more than three times as
        often as on average.

        centre: metres; 0 draws all views alike
        """
        if not centre:
            return np.full(len(self.depth), 1 / len(self.depth))
        known = (d[d > 0].astype(np.float32) for d in self.depth)
        medians = np.array([np.median(d) if len(d) else centre for d in known])
        bins = np.round(np.log(medians) / 0.25).astype(int)
        _, which, counts = np.unique(bins, return_inverse=True, return_counts=True)
        weights = np.exp(-0.5 * (np.log(medians / centre) / 0.6) ** 2) / counts[which]
        weights = np.minimum(weights / weights.mean(), 3.0)
        return weights / weights.sum()

    @classmethod
    def open(cls, folder: Path, source: Source, model: GRIN, device, seed: int) -> FeatureCache:
        """
        Open the cache of a source under `folder`, after filling it where it is not complete.

        Every part of a joined encoder has a cache of its own, which others with that part share.
        """
        parts = model.encoder.parts if isinstance(model.encoder, Joined) else [model.encoder]
        opened = [_open_part(folder, source, part, device, seed) for part in parts]
        maps = [rows[:-2] for rows in opened]
        if isinstance(model.encoder, Joined):
            maps = [model.encoder.join(maps, JoinedRows)]
        return cls(source.size, maps[0], *opened[0][-2:])


def open_caches(
    config: TrainConfig, sources: Sequence[Source], model: GRIN, device: torch.device
) -> list[FeatureCache]:
    """Open the caches of a recipe's sources."""
    folder = Path(config.features or Path(config.output) / 'features')
    # Views are not seeded by the recipe, so that runs that differ in their seed share them.
    return [FeatureCache.open(folder, source, model, device, 0) for source in sources]


def _open_part(folder: Path, source: Source, encoder: nn.Module, device, seed: int) -> list[Rows]:
    """Rows of an encoder's maps of a source, of the depth and of K."""
    folder = folder / f'{source.name}-{_fingerprint(source, encoder, seed)}'
    if not (folder / 'complete').is_file():
        # Several runs may fill it at once: each fills its own, and the first to end stays.
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix='filling-') as partial:
            partial = Path(partial, folder.name)
            partial.mkdir()
            _fill(partial, source, encoder, device, seed)
            (partial / 'complete').touch()
            if not (folder / 'complete').is_file():
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
    names = (*range(len(encoder.channels)), 'depth', 'K')
    return [Rows(folder / f'{name}.npy') for name in names]


def _fingerprint(source: Source, encoder: nn.Module, seed: int) -> str:
    """Tell caches apart whose content would differ."""
    config = {
        k: v for k, v in asdict(source.config).items() if k not in ('weight', 'images', 'centre')
    }
    about = [VIEWS, config, source.count, source.size, encoder.strides, seed]
    digest = hashlib.sha256(json.dumps(about).encode())
    for value in encoder.state_dict().values():
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


@torch.inference_mode()
def _fill(folder: Path, source: Source, encoder: nn.Module, device, seed: int) -> None:
    total = source.count * source.config.variants
    arrays = {}

    def put(name, rows, values):
        values = np.asarray(values)
        if name not in arrays:
            arrays[name] = np.lib.format.open_memmap(
                folder / f'{name}.npy', 'w+', values.dtype, (total, *values.shape[1:])
            )
        arrays[name][rows] = values

    encoder.eval()
    for start in tqdm(range(0, total, BATCH), f'encode {source.name}', unit=f'{BATCH} images'):
        rows = slice(start, min(start + BATCH, total))
        views = [source.view(i // source.config.variants, (seed, i)) for i in range(total)[rows]]
        with autocast(device):
            maps = encoder(images(views).to(device))
        for scale, new in enumerate(maps):
            put(scale, rows, new.half().cpu().numpy())
        put(
            'depth', rows, np.stack([view.depth.clip(0, 6e4) for view in views]).astype(np.float16)
        )
        put('K', rows, np.stack([view.camera.K.numpy() for view in views]))
    for array in arrays.values():
        array.flush()
