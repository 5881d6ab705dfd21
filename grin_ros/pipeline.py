# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
From an image and its camera to metric depth: one object for node, command line and evaluation.

The image is fitted to the processing size with its camera, encoded once, and the queried pixels
are denoised; the median over several samples is the depth, their spread the uncertainty (GRIN
sec. 5.6 and fig. 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import math
from pathlib import Path

import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import default_checkpoint, load, ModelConfig
from grin_ros.dense_sampler import DenseSampler
from grin_ros.depth import DepthTransform
from grin_ros.grid import as_map, pixel_centres, processing_size, rescale
from grin_ros.models import Denoiser
from grin_ros.precision import lower_weights
from grin_ros.prompt import KnownPixels, Prompt
from grin_ros.sampler import Sampler
from grin_ros.video import Video


@dataclass(frozen=True)
class Prediction:
    """
    Metric depth of one image; for single pixels (`uv`) the maps are (N,) and camera is None.

    depth: (H, W) float32, metres along the optical axis, NaN where unknown
    std: (H, W) float32, metres, standard deviation: the spread over samples, and the error that
        the network expects, calibrated where the checkpoint says how; uncalibrated it is the
        spread, zero for one sample
    valid: (H, W) bool
    camera: pinhole camera of this depth map
    spacing: pixels of this depth map between those that were queried
    known: pixels of the prompt that are in the image and in the range of the network
    """

    depth: np.ndarray
    std: np.ndarray
    valid: np.ndarray
    camera: Camera | None
    spacing: float = 1.0
    known: int = 0


class DepthPipeline:
    """
    A denoiser with everything around it; see `infer`.

    model: a Denoiser in evaluation mode
    config: of the model
    device: where it computes; one that is absent is an error, never replaced by another
    """

    def __init__(
        self, model: Denoiser, config: ModelConfig, device: str | torch.device = 'cpu',
        checkpoint: Path | None = None,
    ):  # fmt: skip
        try:
            self.device = torch.device(device)
        except RuntimeError:
            raise ValueError(f'{device!r} is no device; give cpu, cuda, or cuda:1 ...') from None
        if self.device.type == 'meta':
            raise ValueError("device 'meta' computes nothing; give cpu, cuda, or cuda:1 ...")
        if self.device.type == 'cuda' and not torch.cuda.is_available():
            raise ValueError("device 'cuda' was asked for, but torch sees no GPU; use 'cpu'")
        try:
            self.model = model.to(self.device).eval()
        except (RuntimeError, AssertionError, ImportError) as error:
            reason = str(error).strip().partition('\n')[0]
            raise ValueError(f"device '{device}' cannot be used ({reason}); use 'cpu'") from error
        self.config = config
        self.steps = config.steps
        self.checkpoint = checkpoint
        self.transform = DepthTransform(config.depth)
        kind = DenseSampler if config.dense else Sampler
        self.sampler = kind(self.model, config, self.device)

    @classmethod
    def from_checkpoint(
        cls, path: str | Path | None = None, device: str | torch.device = 'cpu'
    ) -> DepthPipeline:
        """
        Load a checkpoint; None takes the weights that ship with the package.

        Its model is there to predict with; `checkpoint.load` gives one to train or save.
        """
        path = default_checkpoint() if path is None else Path(path)
        model, config, _ = load(path)
        pipeline = cls(model, config, device, path)
        lower_weights(pipeline.model, pipeline.device)
        return pipeline

    @torch.inference_mode()
    def infer(
        self, image: np.ndarray, camera: Camera | None, *, uv: np.ndarray | None = None,
        stride: int | None = None, steps: int | None = None, samples: int = 1,
        full_size: bool = True, seed: int = 0, prompt: Prompt | None = None,
        video: Video | None = None, on_step: Callable[[], None] | None = None,
    ) -> Prediction:  # fmt: skip
        """
        Predict the metric depth of one image.

        image: (H, W, 3) uint8, RGB, free of lens distortion
        camera: pinhole camera of the image; None = unknown, fx = cx = W/2, fy = cy = H/2
        uv: (N, 2) pixels of the image to ask for, instead of a grid
        stride: every stride-th pixel of the fitted image is queried; the cost follows its square
        steps: denoising steps; None = the checkpoint's default
        samples: independent samples; depth is their median, of a dense model their mean
        full_size: bring depth to the image's size, else return the queried grid as it is
        seed: of the noise; the same seed gives the same depth
        prompt: pixels whose depth is known
        video: the last frame, if this one may follow it; see `Video.follow`
        on_step: called before every step; what it raises ends the inference
        """
        (prediction,) = self.infer_batch(
            [image], [camera], uv=uv, stride=stride, steps=steps, samples=samples,
            full_size=full_size, seed=seed, prompts=[prompt], videos=[video], on_step=on_step,
        )  # fmt: skip
        return prediction

    @torch.inference_mode()
    def infer_batch(
        self, images: Sequence[np.ndarray], cameras: Sequence[Camera | None], *,
        uv: np.ndarray | None = None, stride: int | None = None, steps: int | None = None,
        samples: int = 1, full_size: bool = True, seed: int = 0,
        prompts: Sequence[Prompt | None] = (), videos: Sequence[Video | None] = (),
        on_step: Callable[[], None] | None = None,
    ) -> list[Prediction]:  # fmt: skip
        """
        Predict the metric depth of several images; see `infer`.

        Images of one processing size, without prompt and video, are worked on together. What comes
        out does not depend on the company.

        images, cameras: one each per image; sizes may differ
        prompts, videos: one each per image, or nothing
        """
        sizes = [_check_image(image) for image in images]
        if uv is not None:
            uv = torch.from_numpy(np.array(uv, np.float32))  # strides may be negative
            if uv.ndim != 2 or uv.shape[1] != 2:
                raise ValueError(f'uv is {tuple(uv.shape)}; pixels to ask for are (N, 2)')
            if not uv.isfinite().all():  # one of them would leave no answer for any
                raise ValueError('uv holds pixels that are not finite: leave them out')
            if not len(uv):
                nothing = np.zeros(0, np.float32)
                return [Prediction(nothing, nothing, nothing > 0, None)] * len(images)
        cameras = [camera or Camera.default(size) for camera, size in zip(cameras, sizes)]
        for camera, size in zip(cameras, sizes):
            _check_camera(camera, size)
        stride = self.config.stride if stride is None else stride
        steps = self.steps if steps is None else steps
        if min(stride, samples, steps) < 1:
            raise ValueError('stride, samples and steps must be at least 1')
        groups, predictions = {}, [None] * len(images)
        for index, size in enumerate(sizes):
            fitted = processing_size(size, self.config.pixels)
            known = None
            prompt = prompts[index] if prompts else None
            if prompt is not None and len(prompt):
                seen_by = cameras[index].resize(fitted)
                known = KnownPixels(prompt, size, fitted, self.transform, seen_by)
                known = known if len(known) else None
            video = videos[index] if videos else None
            alone = not (known is None and uv is None and video is None)
            key = index if alone else fitted
            groups.setdefault(key, (fitted, known, video, []))[-1].append(index)
        for fitted, known, video, members in groups.values():
            grid = tuple(math.ceil(side / stride) for side in fitted)
            size = sizes[members[0]]
            queried = pixel_centres(grid, fitted) if uv is None else rescale(uv, size, fitted)
            pictures = [images[index] for index in members]
            fitting = [cameras[index].resize(fitted) for index in members]
            answer = self.sampler(
                pictures, fitting, queried, steps, samples, seed, known, on_step, video
            )
            for i, (index, fitted_camera) in enumerate(zip(members, fitting)):
                size, camera = sizes[index], cameras[index]
                x_0, log_error = answer.x_0[i], answer.log_error[i]
                imposed = known and not known.prompt.scale_only
                if imposed and (uv is not None or not full_size):
                    x_0 = known.impose(x_0, pixel_centres(grid, size) if uv is None else uv)
                if uv is None:
                    to = size if full_size else grid
                    x_0, log_error = (as_map(x, grid, to) for x in (x_0, log_error))
                    camera = camera if full_size else camera.resize(grid)
                    if imposed and full_size:
                        x_0 = known.refine(x_0)
                depth = self.transform.decode(x_0, fitted_camera)
                farthest = self.config.depth.max / self.transform.scale(fitted_camera)
                if known and known.prompt.scale_only:
                    ratio = known.ratio(answer.at_known[0])
                    depth = depth * ratio.view(-1, *[1] * (depth.ndim - 1))
                    farthest = farthest * ratio.min()  # the sky moves along
                seen_by = camera if uv is None else None
                prediction = self._summarise(depth, log_error, farthest, seen_by)
                spacing = size[1] / grid[1] if full_size else 1.0
                used = known.used if known else 0
                predictions[index] = replace(prediction, spacing=spacing, known=used)
        return predictions

    def _summarise(
        self, depth: torch.Tensor, log_error: torch.Tensor, farthest, camera: Camera | None
    ) -> Prediction:
        """
        Make a prediction of samples.

        depth: (samples, ...), metres
        log_error: (samples, ...), what the network expects, or (0, ...)
        farthest: metres; what is not nearer is sky
        """
        samples = len(depth)
        if samples == 1:
            median, std = depth[0], torch.zeros_like(depth[0])
        else:
            if self.config.dense:
                median = depth.mean(0)  # as DepthGen averages its samples
            else:
                # Quicker than `median` and `quantile`, and of any number of pixels.
                middle = depth.sort(0).values[(samples - 1) // 2 : samples // 2 + 1]
                median = middle.mean(0)
            # 20 times faster than .std(0).
            std = (depth - depth.mean(0)).square().mean(0).sqrt()
        expected = log_error.mean(0).exp_() if len(log_error) else None
        std = self.config.uncertainty.std(std, median, samples, expected)
        valid = median < 0.999 * farthest  # which NaN is not either
        median = median.masked_fill(~valid, torch.nan)
        return Prediction(median.numpy(), std.numpy(), valid.numpy(), camera)


def _check_image(image: np.ndarray) -> tuple[int, int]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(
            f'the image is {image.dtype} {image.shape}; it must be uint8 (height, width, 3), RGB'
        )
    return image.shape[0], image.shape[1]


def _check_camera(camera: Camera, size: tuple[int, int]) -> None:
    if tuple(camera.size) != size:
        raise ValueError(
            f'the camera is for {camera.size[1]}x{camera.size[0]} pixels, the image has '
            f'{size[1]}x{size[0]}; resize the camera'
        )
    if camera.distortion is not None:
        raise ValueError('the camera has lens distortion; rectify image and camera first')
