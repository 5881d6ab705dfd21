# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""From images and noise to x_0, by a denoiser of whole maps: DepthGen's part of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from grin_ros.camera import Camera
from grin_ros.checkpoint import DepthGenConfig
from grin_ros.depth import DepthTransform
from grin_ros.diffusion.sampling import ddim
from grin_ros.diffusion.schedule import Schedule
from grin_ros.models import Denoiser
from grin_ros.precision import autocast
from grin_ros.prompt import KnownPixels
from grin_ros.sampler import ANOTHER, Answer, fit_picture, out_of_memory
from grin_ros.video import Video
from grin_ros.views import view


class DenseSampler:
    """
    Called as `grin_ros.sampler.Sampler` is; the pixels are read off the finished map.

    model: on the device, in evaluation mode
    eta: 1 for ancestral sampling (DDPM), 0 for the deterministic path (DDIM)
    """

    def __init__(self, model: Denoiser, config: DepthGenConfig, device: torch.device):
        if config.network.channels != 1:
            raise ValueError(
                'this checkpoint was pre-trained on pictures and knows no depth; train it with '
                'a recipe that names it as `initial`'
            )
        self.eta = float(config.sampler == 'ddpm')
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
        Denoise fitted images and give x_0 of their pixels uv (N, 2), and of known ones.

        One image at a time, so that the noise of no step depends on the company.

        video: the last frame of a single image
        """
        count = len(uv)
        if video is not None:
            camera = cameras[0]
            video.prepare((id(self._model), camera.K.numpy().tobytes(), camera.size, samples))
        if known is not None:
            uv = torch.cat([uv, known.uv])
        try:
            out = [
                self._denoise(image, camera, uv, steps, samples, seed, known, on_step, video)
                for image, camera in zip(images, cameras, strict=True)
            ]
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise MemoryError(
                f'{self._device} has not enough memory for a map of {cameras[0].size[1]}x'
                f'{cameras[0].size[0]} pixels: free some of it, or take smaller weights'
            ) from None
        x_0, at_known = torch.stack(out).tensor_split([count], dim=2)
        return Answer(x_0, at_known, x_0[:, :0])

    def _denoise(
        self, image: np.ndarray, camera: Camera, uv: torch.Tensor, steps: int, samples: int,
        seed: int, known: KnownPixels | None, on_step: Callable[[], None] | None,
        video: Video | None,
    ) -> torch.Tensor:  # fmt: skip
        """Return x_0 of the pixels uv (N + M, 2), the known ones last: (samples, N + M)."""
        generator = torch.Generator().manual_seed(seed)
        fresh = torch.Generator(self._device).manual_seed(seed ^ ANOTHER)  # for the steps' noise
        size, out = camera.size, []
        picture = fit_picture(image, size, self._device)
        camera, uv = Camera.stack([camera]).to(self._device), uv[None].to(self._device)
        with autocast(self._device):
            for number in range(samples):
                seen, _, pixels = view(
                    number if self._config.uncertainty.views else 0, picture, camera, uv
                )
                cond = self._model.encode(seen, camera)

                def denoise(x_t, gamma, state, cond=cond):
                    if on_step is not None:
                        on_step()
                    return self._model(x_t, gamma, cond, state)

                x_T = torch.randn(1, 1, *size, generator=generator).to(self._device)
                options = self._imputation(known, pixels[0], size)
                begin = {'x_T': x_T, 'steps': steps}
                if video is not None:
                    begin = video.begin(
                        number, x_T, steps, self._schedule, self._transform, options
                    )
                for step in ddim(
                    denoise, schedule=self._schedule, target=self._config.target, eta=self.eta,
                    generator=fresh, clip=self._bounds, **{**options, **begin},
                ):  # fmt: skip
                    last = step
                if video is not None:
                    video.keep(number, last.x_0, last.state)
                out.append(sample_map(last.x_0, pixels)[0].float().cpu())
        return torch.stack(out)

    def _imputation(
        self, known: KnownPixels | None, uv: torch.Tensor, size: tuple[int, int]
    ) -> dict[str, Any]:
        """Lay known pixels, the last ones of uv (N + M, 2), into the map that is denoised."""
        if known is None or known.prompt.scale_only:
            return {}
        uv = uv[-len(known) :]
        u, v = uv.round().long().unbind(1)
        u, v = u.clamp(0, size[1] - 1), v.clamp(0, size[0] - 1)
        values = torch.full((1, 1, *size), torch.nan, device=self._device)
        values[0, 0, v, u] = known.x.to(self._device)
        every = torch.cartesian_prod(torch.arange(size[0]), torch.arange(size[1])).flip(1)
        options = known.sampling(torch.cat([every.to(uv), uv]), self._device)
        guide = options['guide']

        def guide_map(x_0):
            listed = torch.cat([x_0.flatten(), x_0[0, 0, v, u]])[None, :, None]
            return guide(listed)[:, : len(every)].view_as(x_0)

        return {
            'known': values,
            'guide': guide and guide_map,
            'resample': options['resample'],
        }


def sample_map(x: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """
    Read a map at pixels, between them bilinearly.

    x: (B, 1, H, W)
    uv: (B, N, 2), pixels
    returns: (B, N)
    """
    size = uv.new_tensor([x.shape[-1], x.shape[-2]])
    grid = (2 * uv + 1)[:, None] / size - 1
    return F.grid_sample(x.float(), grid, padding_mode='border', align_corners=False)[:, 0, 0]
