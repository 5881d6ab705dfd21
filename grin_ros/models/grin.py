# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
GRIN: zero-shot metric depth with pixel-level diffusion (arXiv 2409.09896, sec. 4).

One interface token per queried pixel carries its noisy depth, the image features at that pixel
and its viewing ray (local conditioning); coarse feature maps with their rays are read-only tokens
(global conditioning). Tokens have no place in a grid, so any set of pixels is a valid input:
pixels without a label are absent in training, and a robot asks for the pixels that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import math

import torch
from torch import nn
from torch.nn import functional as F

from grin_ros.camera import Camera
from grin_ros.models.embeddings import FourierRays, GammaEmbedding
from grin_ros.models.image_encoder import build_encoder, EncoderConfig
from grin_ros.models.layers import KeyValue
from grin_ros.models.neck import Neck
from grin_ros.models.rin import LatentInit, RINBlock

# Of the configuration, what a network has at least one of.
COUNTS = (
    'feature_dim', 'interface_dim', 'latent_dim', 'latents', 'blocks', 'heads', 'rw_heads',
    'latent_ratio', 'interface_ratio', 'ray_bands', 'global_stride',
)  # fmt: skip


@dataclass(frozen=True)
class GRINConfig:
    """Sizes of the network, and the ablations that the paper discusses (sec. 5.6)."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    feature_dim: int = 128  # width of the neck at stride 16; half of it at 8, a quarter at 4
    neck_layers: tuple[int, int] = (2, 3)  # attention layers coarser than stride 16, and there
    neck_jitter: float = 0.0  # random shift of channels in training, in deviations
    interface_dim: int = 192  # width of interface (pixel) tokens
    latent_dim: int = 256  # width of latent tokens
    latents: int = 128  # number of latent tokens
    blocks: int = 3  # read-process-write blocks
    layers: int = 2  # process layers in each block
    heads: int = 8  # heads of latent self-attention
    rw_heads: int = 4  # heads of read and write
    latent_ratio: int = 4  # inner over outer width of the latents' feed-forward
    interface_ratio: int = 2  # the same of the interface: the cost per pixel
    ray_bands: int = 16  # Fourier bands of the rays
    global_stride: int = 16  # maps at this stride or coarser become read-only tokens
    global_keep: float = 0.5  # least share of them that is kept in training
    local_conditioning: bool = True  # image features at the queried pixel
    global_conditioning: bool = True  # read-only tokens
    geometry: bool = True  # rays in both
    self_condition: float = 0.9  # rate of latent self-conditioning in training
    error_head: bool = False  # a second answer per pixel: how wrong the first one may be
    chunk: int = 8192  # pixels processed at a time; memory only, never the answer

    def __post_init__(self):
        if not (self.local_conditioning or self.geometry):
            raise ValueError('without local_conditioning and geometry all pixels look the same')
        if self.chunk < 1:
            raise ValueError(f'chunk is {self.chunk}; it must be at least 1 pixel')
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be at least 1')


@dataclass(frozen=True)
class Conditioning:
    """
    What GRIN knows of a frame before any noise.

    local: (B, N, interface_dim), local conditioning of the queried pixels
    tokens: keys and values of the read-only tokens, one pair per block, or None
    """

    local: torch.Tensor
    tokens: tuple[KeyValue, ...] | None

    def rows(self, rows: torch.Tensor) -> Conditioning:
        """Conditioning of some images of the batch; rows: (b,) indices."""
        tokens = self.tokens and tuple((k[rows], v[rows]) for k, v in self.tokens)
        return Conditioning(self.local[rows], tokens)


class GRIN(nn.Module):
    """The denoiser of GRIN; see `grin_ros.models.Denoiser` for the contract."""

    float32_layers = ('out', 'out_error')

    def __init__(self, config: GRINConfig):
        super().__init__()
        self.config = config
        dim = config.interface_dim
        self.encoder = build_encoder(config.encoder)
        self.rays = FourierRays(config.ray_bands)
        self.neck = Neck(
            self.encoder.channels, self.encoder.strides, config.feature_dim, config.neck_layers,
            config.heads, self.rays.dim * config.geometry, config.neck_jitter,
        )  # fmt: skip
        if config.local_conditioning:
            self.local_feature = nn.Linear(sum(self.neck.widths), dim)
        if config.geometry:
            self.local_ray = nn.Linear(self.rays.dim, dim)
        self.local_mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )
        self.coarse = [i for i, s in enumerate(self.neck.strides) if s >= config.global_stride]
        if config.global_conditioning:
            if not self.coarse:
                raise ValueError(
                    f'global_stride is {config.global_stride}, but the coarsest map of the '
                    f'neck has stride {self.neck.strides[-1]}'
                )
            self.global_feature = nn.ModuleList(
                nn.Conv2d(self.neck.widths[i], dim, 1) for i in self.coarse
            )
            if config.geometry:
                self.global_ray = nn.Linear(self.rays.dim, dim)
            self.global_norm = nn.LayerNorm(dim)
        self.depth_in = nn.Linear(1, dim)
        self.token_norm = nn.LayerNorm(dim)
        self.gamma = GammaEmbedding(config.latent_dim)
        self.latents = LatentInit(config.latents, config.latent_dim, config.latent_ratio)
        self.blocks = nn.ModuleList(
            RINBlock(
                dim, config.latent_dim, config.layers, config.heads, config.rw_heads,
                config.latent_ratio, config.interface_ratio, config.global_conditioning,
            )
            for _ in range(config.blocks)
        )  # fmt: skip
        self.out_norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, 1)
        # Noisy depth enters quietly and the answer starts small: the first steps of training are
        # those of a regression from the conditioning, which the noise would only blur.
        nn.init.normal_(self.depth_in.weight, std=0.05)
        nn.init.zeros_(self.depth_in.bias)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)
        if config.error_head:
            self.out_error = nn.Linear(dim, 1)
            nn.init.zeros_(self.out_error.weight)
            nn.init.constant_(self.out_error.bias, math.log(0.2))

    def encode(
        self, image: torch.Tensor, camera: Camera, uv: torch.Tensor | None = None
    ) -> Conditioning:
        """
        Encode a frame; see `Denoiser.encode`.

        image: (B, 3, H, W) in [0, 1], sides multiples of 32
        """
        return self.condition(self.features(image), camera, uv)

    def features(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of the encoder; kept once per image where the encoder is frozen."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.encoder.frozen):
            return self.encoder(image)

    def condition(
        self, maps: list[torch.Tensor], camera: Camera, uv: torch.Tensor | None = None,
        seeds: list[int] | None = None,
    ) -> Conditioning:  # fmt: skip
        """
        Build local and global conditioning from the encoder's maps.

        maps: from `features`
        camera: of the encoder's input image, K (B, 3, 3)
        uv: (B, N, 2) pixels of that image, or None for all
        seeds: of what is random in training and an image's own, one each, or None
        """
        maps = self.mix(maps, camera, seeds)
        if uv is None:
            uv = camera.grid().flatten(0, 1).expand(camera.K.shape[0], -1, -1).to(maps[0].device)
        tokens = None
        if self.config.global_conditioning:
            tokens = self.global_tokens(maps, camera)
            tokens = tuple(block.global_read.keys_values(tokens) for block in self.blocks)
        return Conditioning(self.local(maps, camera, uv), tokens)

    def mix(
        self, maps: list[torch.Tensor], camera: Camera, seeds: list[int] | None = None
    ) -> list[torch.Tensor]:
        """Mix context and rays into the encoder's maps; widths are the neck's."""
        return self.neck(maps, lambda x: self.coarse_rays(camera, x), seeds)

    def coarse_rays(self, camera: Camera, x: torch.Tensor) -> torch.Tensor:
        """Encoded rays of the intrinsics resized to a map (B, C, h, w): (B, h * w, rays.dim)."""
        rays = camera.resize(tuple(x.shape[-2:])).rays()
        return self.rays(rays.flatten(-2).transpose(-1, -2))

    def local(self, maps: list[torch.Tensor], camera: Camera, uv: torch.Tensor) -> torch.Tensor:
        """Features of all scales at the pixels and their encoded rays: (B, N, interface_dim)."""
        height, width = camera.size
        size = uv.new_tensor([width, height])
        grid = (2 * uv + 1)[:, None] / size - 1  # (B, 1, N, 2), centres as in align_corners=False
        local = 0.0
        if self.config.geometry:
            local = self.local_ray(self.rays(camera.rays(uv)))
        if self.config.local_conditioning:
            sampled = [
                F.grid_sample(x.float(), grid, padding_mode='border', align_corners=False)
                for x in maps
            ]  # (B, width, 1, N) of every scale
            local = local + self.local_feature(torch.cat(sampled, dim=1)[:, :, 0].transpose(1, 2))
        return local + self.local_mlp(local)

    def global_tokens(self, maps: list[torch.Tensor], camera: Camera) -> torch.Tensor:
        """Coarse maps with rays of the resized intrinsics as tokens: (B, M, interface_dim)."""
        tokens = []
        for conv, i in zip(self.global_feature, self.coarse, strict=True):
            token = conv(maps[i]).flatten(2).transpose(1, 2)
            if self.config.geometry:
                token = token + self.global_ray(self.coarse_rays(camera, maps[i]))
            tokens.append(token)
        tokens = self.global_norm(torch.cat(tokens, dim=1))
        if self.training and self.config.global_keep < 1:
            share = torch.empty(()).uniform_(self.config.global_keep, 1.0).item()
            count = max(1, round(share * tokens.shape[1]))
            tokens = tokens[:, torch.randperm(tokens.shape[1], device=tokens.device)[:count]]
        return tokens

    def forward(
        self, x_t: torch.Tensor, gamma: torch.Tensor, cond: Conditioning,
        state: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        """
        Predict the target for every queried pixel; see `Denoiser.forward`.

        x_t: (B, N, 1)
        gamma: (B,)
        state: latents (B, L, latent_dim) of the previous step, or None
        """
        z = self.latents(x_t.shape[0], state)
        z = torch.cat([z, self.gamma(gamma)[:, None]], dim=1)
        x = [
            self.token_norm(self.depth_in(depth) + local)
            for depth, local in zip(
                x_t.split(self.config.chunk, dim=1),
                cond.local.split(self.config.chunk, dim=1),
                strict=True,
            )
        ]
        for i, block in enumerate(self.blocks):
            x, z = block(x, z, cond.tokens[i] if cond.tokens is not None else None)
        heads = [self.out, self.out_error] if self.config.error_head else [self.out]
        x = [self.out_norm(chunk).float() for chunk in x]
        # bfloat16 would answer in steps of 0.7 % of depth, terraces in a point cloud.
        with torch.autocast(x_t.device.type, enabled=False):
            prediction = torch.cat([torch.cat([head(c) for head in heads], -1) for c in x], dim=1)
        return prediction, z[:, :-1].float()

    def with_chunk(self, chunk: int) -> GRIN:
        """Set how many pixels are processed at a time, and return self."""
        self.config = replace(self.config, chunk=chunk)
        return self
