# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Filling the holes of a picture: by our own pre-trained denoiser, by diffusers, or plainly.

A filler is called with an image (H, W, 3) uint8 and missing (H, W) bool, and returns the image
with only its missing pixels changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from grin_ros.checkpoint import load
from grin_ros.diffusion.sampling import ddpm
from grin_ros.diffusion.schedule import Schedule
from grin_ros.grid import processing_size

Filler = Callable[[np.ndarray, np.ndarray], np.ndarray]
RADIUS = 5  # pixels, of the plain method's neighbourhood


def open_filler(path: Path | None, device: str, text: str = '', seed: int = 0) -> Filler:
    """
    Choose by what lies at a path.

    path: a checkpoint of `grin pretrain` (.safetensors), the folder of a diffusers inpainting
        pipeline, or None for a method without any network
    text: what the picture shows, for diffusers
    """
    if path is None:
        return fill_smoothly
    if path.suffix == '.safetensors':
        return Restorer(path, device, seed)
    return DiffusersFiller(path, device, text, seed)


def fill_smoothly(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Continue the surroundings (Telea 2004); enough for gaps of a few pixels."""
    return cv2.inpaint(image, missing.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)


def hide(image: np.ndarray, missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Put noise in the place of missing pixels, as a denoiser of pictures is shown them.

    image: (H, W, 3) uint8, RGB
    missing: (H, W) bool
    returns: (H, W, 3) float; the network's input 2 x - 1 is normal noise where it is missing
    """
    noise = (rng.standard_normal(image.shape) + 1) / 2
    return np.where(missing[..., None], noise, image / 255)


class Restorer:
    """
    The denoiser of pictures that `grin pretrain` made.

    path: its checkpoint
    """

    def __init__(self, path: Path, device: str, seed: int = 0):
        self._model, self._config, _ = load(path, device)
        if not self._config.dense or self._config.network.channels != 3:
            raise ValueError(f'{path} denoises depth, not pictures; give one of `grin pretrain`')
        self._schedule, self._device, self._seed = Schedule(self._config.schedule), device, seed

    @torch.inference_mode()
    def __call__(self, image: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """Fill the missing pixels; the others go into every step at its level of noise."""
        size = processing_size(image.shape[:2], self._config.pixels)
        small = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        # Whatever a missing pixel was mixed into is missing too.
        hole = cv2.resize(missing.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) > 0
        x_0 = np.where(hole[..., None], np.nan, small / 127.5 - 1)
        shown = hide(small, hole, np.random.default_rng(self._seed))
        cond = self._model.encode(self._tensor(shown))
        generator = torch.Generator(self._device).manual_seed(self._seed)
        x_T = torch.randn(1, 3, *size, generator=generator, device=self._device)
        for step in ddpm(
            lambda x_t, gamma, state: self._model(x_t, gamma, cond, state), x_T, self._schedule,
            self._config.steps, self._config.target, generator=generator, clip=(-1, 1),
            known=self._tensor(x_0),
        ):  # fmt: skip
            last = step
        made = ((last.x_0[0].permute(1, 2, 0).cpu().numpy() + 1) * 127.5).round().astype(np.uint8)
        made = cv2.resize(made, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.where(missing[..., None], made, image)

    def _tensor(self, x: np.ndarray) -> torch.Tensor:
        """Bring (H, W, 3) to (1, 3, H, W)."""
        return torch.from_numpy(x).float().permute(2, 0, 1)[None].to(self._device)


class DiffusersFiller:
    """A local inpainting pipeline of diffusers."""

    def __init__(self, path: Path, device: str, text: str, seed: int = 0):
        self._pipe = open_diffusers(path, 'AutoPipelineForInpainting', device)
        self._text, self._seed = text, seed

    def __call__(self, image: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """Fill the missing pixels."""
        height, width = (max(1, round(side / 8)) * 8 for side in image.shape[:2])
        mask = cv2.resize(missing.astype(np.float32), (width, height)) > 0
        made = painted(
            self._pipe, prompt=self._text, height=height, width=width,
            image=cv2.resize(image, (width, height)).astype(np.float32) / 255,
            mask_image=mask[..., None].astype(np.float32),
            generator=torch.Generator().manual_seed(self._seed),
        )  # fmt: skip
        made = cv2.resize(made, image.shape[1::-1])
        return np.where(missing[..., None], made, image)


def painted(pipe, **arguments) -> np.ndarray:
    """Call a diffusers pipeline; returns its picture, (H, W, 3) uint8, RGB."""
    made = pipe(**arguments, output_type='np').images[0]
    return (255 * np.asarray(made)).round().clip(0, 255).astype(np.uint8)


def open_diffusers(path: Path, kind: str, device: str):
    """
    Load a diffusers pipeline from a local folder; nothing is ever downloaded.

    kind: name of a class of diffusers with `from_pretrained`
    """
    if not (path / 'model_index.json').is_file():
        raise FileNotFoundError(
            f'{path} holds no diffusers pipeline (model_index.json); name the folder of one'
        )
    try:
        import diffusers
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f'{path} needs diffusers; pip install diffusers transformers'
        ) from None
    return getattr(diffusers, kind).from_pretrained(str(path), local_files_only=True).to(device)
