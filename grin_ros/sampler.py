# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""From images and noise to x_0 of the queried pixels, in parts where memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import sys

import numpy as np
import torch
from torch.nn import functional as F

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.depth import DepthTransform
from grin_ros.diffusion.sampling import ddim
from grin_ros.diffusion.schedule import Schedule
from grin_ros.models import Denoiser
from grin_ros.precision import autocast
from grin_ros.prompt import KnownPixels
from grin_ros.video import Video
from grin_ros.views import view

LEAST = 256  # pixels that are worth denoising together
ANOTHER = 0x5BD1E995  # turns a seed into that of another stream


@dataclass(frozen=True)
class Answer:
    """
    What comes out for B images, on the CPU.

    x_0: (B, samples, N), of the queried pixels
    at_known: (B, samples, M), x_0 of the known ones
    log_error: (B, samples, N), ln of the error of ln(depth) that the network expects, in its last
        step; (B, 0, N) of a network without such a head
    """

    x_0: torch.Tensor
    at_known: torch.Tensor
    log_error: torch.Tensor


class Sampler:
    """
    A denoiser and the noise that it is given.

    model: on the device, in evaluation mode
    capacity: pixels that are denoised together; less after the device was out of memory
    """

    def __init__(self, model: Denoiser, config: ModelConfig, device: torch.device) -> None:
        self.capacity = sys.maxsize
        self._model, self._config, self._device = model, config, device
        self._schedule = Schedule(config.schedule)
        self._transform = DepthTransform(config.depth)
        self._bounds = (self._transform.x_min, self._transform.x_max)

    def __call__(
        self, images: list[np.ndarray], cameras: list[Camera], uv: torch.Tensor, steps: int,
        samples: int, seed: int, known: KnownPixels | None, on_step: Callable[[], None] | None,
        video: Video | None = None,
    ) -> Answer:  # fmt: skip
        """
        Denoise the pixels uv (N, 2) of each fitted image, and the known ones of a single image.

        images: (H, W, 3) uint8, RGB, of any size
        cameras: of the fitted images, which have one size
        video: the last frame of a single image
        """
        generator = torch.Generator().manual_seed(seed)
        count = len(uv) + (0 if known is None else len(known))
        noise = torch.stack(
            [torch.randn(1, count, 1, generator=generator) for _ in range(samples)]
        )

        if video is not None:
            camera = cameras[0]
            asked = camera.K.numpy().tobytes(), camera.size, uv.numpy().tobytes()
            video.prepare((id(self._model), *asked, samples))

        def denoise(images, cameras, at):
            part = torch.cat([noise[:, :, at], noise[:, :, len(uv) :]], dim=2)
            whole = video if part.shape == noise.shape else None  # parts have other latents
            return self._denoise(images, cameras, uv[at], part, steps, seed, known, on_step, whole)

        while True:
            together = min(self.capacity, len(images) * len(uv))
            try:
                return _in_parts(denoise, images, cameras, len(uv), together)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                if together <= LEAST:
                    raise MemoryError(
                        f'{self._device} has not enough memory, even for {together} pixels at a '
                        f'time: free some of it, or take smaller weights'
                    ) from None
                self.capacity = together // 2
            if self._device.type == 'cuda':
                torch.cuda.empty_cache()

    def _denoise(
        self, images: list[np.ndarray], cameras: list[Camera], uv: torch.Tensor,
        noise: torch.Tensor, steps: int, seed: int, known: KnownPixels | None,
        on_step: Callable[[], None] | None, video: Video | None,
    ) -> Answer:  # fmt: skip
        """Denoise what fits into the device; noise: (samples, 1, N + M, 1)."""
        # For noise that resampling adds, another than that at which each sample begins.
        fresh = torch.Generator(self._device).manual_seed(seed ^ ANOTHER)
        count, out, log_errors, options, nearest = len(uv), [], [], {}, None
        if known is not None:
            if video is not None and known.prompt.scale_only:
                from scipy.spatial import cKDTree  # 0.2 s, which others need not wait for

                nearest = torch.from_numpy(cKDTree(uv.numpy()).query(known.uv.numpy())[1])
                nearest = nearest.to(self._device)
            uv = torch.cat([uv, known.uv])
            options = known.sampling(uv, self._device)
        camera = Camera.stack(cameras).to(self._device)
        pictures = torch.cat([fit_picture(image, camera.size, self._device) for image in images])
        with autocast(self._device):
            uv = uv.to(self._device).expand(len(images), -1, -1)
            cond = log_error = None

            def denoise(x_t, gamma, state):
                nonlocal log_error
                if on_step is not None:
                    on_step()
                prediction, state = self._model(x_t, gamma, cond, state)
                log_error = prediction[:, :count, 1:]
                return prediction[..., :1], state

            for number, x_T in enumerate(noise.to(self._device)):
                if cond is None or self._config.uncertainty.views:
                    cond = self._model.encode(*view(number, pictures, camera, uv))
                x_T = x_T.expand(len(images), -1, -1)
                begin = {'x_T': x_T, 'steps': steps}
                if video is not None:
                    begin = video.begin(
                        number, x_T, steps, self._schedule, self._transform, options, nearest
                    )
                for step in ddim(
                    denoise, schedule=self._schedule, target=self._config.target,
                    clip=self._bounds, generator=fresh, **{**options, **begin},
                ):  # fmt: skip
                    last = step
                if video is not None:
                    video.keep(number, last.x_0[:, :count], last.state)
                out.append(last.x_0[:, :, 0].float().cpu())
                log_errors.append(log_error.mT.float().cpu())
        x_0, at_known = torch.stack(out, dim=1).tensor_split([count], dim=2)
        return Answer(x_0, at_known, torch.cat(log_errors, dim=1))


def fit_picture(
    image: np.ndarray, size: tuple[int, int], device: torch.device | str
) -> torch.Tensor:
    """Bring an image to the device and to its processing size: (1, 3, h, w) in [0, 1]."""
    picture = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    if picture.shape[-2:] != size:
        # In bytes and before it moves: a tenth of the time that floats take.
        picture = F.interpolate(picture, size, mode='bilinear', antialias=True)
    return picture.to(device).float() / 255


def _in_parts(
    denoise: Callable, images: list, cameras: list, pixels: int, together: int
) -> Answer:
    """
    Denoise some of the images at once, or some of the pixels of one.

    denoise: called with images, cameras and the slice of the pixels
    pixels: of each image
    together: pixels that may be denoised at once
    """
    count, chunk = max(together // pixels, 1), min(together, pixels)
    rows = []
    for first in range(0, len(images), count):
        some = slice(first, first + count)
        columns = [
            denoise(images[some], cameras[some], slice(at, min(at + chunk, pixels)))
            for at in range(0, pixels, chunk)
        ]
        x_0 = torch.cat([c.x_0 for c in columns], dim=2)
        log_error = torch.cat([c.log_error for c in columns], dim=2)
        rows.append((x_0, columns[0].at_known, log_error))
    return Answer(*map(torch.cat, zip(*rows)))


def out_of_memory(error: RuntimeError) -> bool:
    """Tell whether a device or the machine ran out of memory."""
    known = 'out of memory', "can't allocate memory", 'not enough memory'
    return any(words in str(error) for words in known)
