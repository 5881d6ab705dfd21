# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Convolutional encoders with published ImageNet weights, to compare with Hiera.

EfficientNet-Lite0 (arXiv 1905.11946, without squeeze-and-excitation, ReLU6) and ResNet-50 (arXiv
1512.03385). Batch norm is folded into its convolution when weights are taken over, so there is
none here, and a frozen encoder is the same in training as on a robot. Weights are read by
`training.published`; the libraries that have these networks need torchvision or are abandoned.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

# On a CPU, filters of single channels take a third of the time so, the others no longer.
CHANNELS_LAST = torch.channels_last

# EfficientNet-Lite0: kernel, stride, expansion, channels, repeats of each group of blocks.
LITE0 = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
)  # fmt: skip


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's padding `same`: an odd pixel of it goes right and below."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        pads = []
        for size, k, s in zip(
            reversed(x.shape[-2:]), reversed(self.kernel_size), reversed(self.stride)
        ):
            total = max(0, (-(-size // s) - 1) * s + k - size)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project (MobileNetV2, 1801.04381); a shortcut if it fits."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = channels * expansion
        self.expand = nn.Conv2d(channels, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = SameConv(inner, inner, kernel, stride, groups=inner)
        self.project = nn.Conv2d(inner, out, 1)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to (B, C', H / stride, W / stride)."""
        inner = x if isinstance(self.expand, nn.Identity) else F.relu6(self.expand(x))
        out = self.project(F.relu6(self.depthwise(inner)))
        return x + out if self.shortcut else out


class EfficientNetLite0(nn.Module):
    """
    EfficientNet-Lite0 without its classifier, 2.9 M parameters.

    Input is an image (B, 3, H, W) in [0, 1]; output its maps at strides 4 to 32, fine to coarse.
    """

    strides, channels = (4, 8, 16, 32), (24, 40, 112, 320)

    def __init__(self):
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        self.blocks = nn.ModuleList()
        channels, self.ends = 32, []
        for kernel, stride, expansion, out, repeats in LITE0:
            for i in range(repeats):
                first = stride if i == 0 else 1
                self.blocks.append(InvertedResidual(channels, out, kernel, first, expansion))
                channels = out
            if out in self.channels:  # the last group of a stride
                self.ends.append(len(self.blocks) - 1)
        self.to(memory_format=CHANNELS_LAST)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return the feature maps of an image."""
        image = image.contiguous(memory_format=CHANNELS_LAST)
        x, maps = F.relu6(self.stem((255 * image - 127) / 128)), []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.ends:
                maps.append(x)
        return maps


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions; the first one strides, as in the paper."""

    def __init__(self, channels: int, inner: int, stride: int, project: bool):
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(channels, inner, 1, stride),
                nn.Conv2d(inner, inner, 3, padding=1),
                nn.Conv2d(inner, 4 * inner, 1),
            ]
        )
        self.shortcut = nn.Conv2d(channels, 4 * inner, 1, stride) if project else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to (B, 4 inner, H / stride, W / stride)."""
        first, second, third = self.convs
        return F.relu(self.shortcut(x) + third(F.relu(second(F.relu(first(x))))))


class ResNet50(nn.Module):
    """
    ResNet-50 without its classifier, 23.5 M parameters, for the weights of Keras (Caffe's input).

    Input is an image (B, 3, H, W) in [0, 1]; output its maps at strides 4 to 32, fine to coarse.
    """

    strides, channels = (4, 8, 16, 32), (256, 512, 1024, 2048)
    REPEATS = (3, 4, 6, 3)

    def __init__(self):
        super().__init__()
        mean = torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)  # blue, green, red
        self.register_buffer('mean', mean, False)
        self.stem = nn.Conv2d(3, 64, 7, 2, padding=3)
        self.stages = nn.ModuleList()
        channels = 64
        for stage, repeats in enumerate(self.REPEATS):
            inner, blocks = 64 * 2**stage, []
            for i in range(repeats):
                stride = 2 if stage and i == 0 else 1
                blocks.append(Bottleneck(channels, inner, stride, project=i == 0))
                channels = 4 * inner
            self.stages.append(nn.Sequential(*blocks))
        self.to(memory_format=CHANNELS_LAST)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return the feature maps of an image."""
        image = image.contiguous(memory_format=CHANNELS_LAST)
        x = F.relu(self.stem(255 * image.flip(1) - self.mean))
        x, maps = F.max_pool2d(x, 3, 2, padding=1), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps
