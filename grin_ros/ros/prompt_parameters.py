# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The parameters of what else the node knows: sparse range as a prompt, and the last frame."""

from __future__ import annotations

from dataclasses import dataclass

from grin_ros.known import pose_of
from grin_ros.ros.parameter import CONFIGURE, parameter


@dataclass(frozen=True)
class PromptParameters:
    """How the topic points_prompt is used, and how frames follow each other."""

    prompt: str = parameter(
        'off', 'What is done with the topic points_prompt: impute: its points are known pixels '
        'and say how wrong their surroundings are; scale: depth is only multiplied by '
        'median(known / predicted); off: it is not subscribed.', CONFIGURE,
        choices=('off', 'impute', 'scale'),
    )  # fmt: skip
    prompt_weight: float = parameter(
        1.0, 'How far the surroundings of the points follow them: 0 not at all, 1 fully.',
        low=0.0, high=1.0,
    )  # fmt: skip
    prompt_resample: int = parameter(
        1, 'Repetitions of every denoising step with a prompt; the time follows.', low=1, high=100
    )
    prompt_points: int = parameter(
        4096, 'Of more points than this in the image, so many are drawn; each costs as much as a '
        'queried pixel.', low=1, high=1_000_000,
    )  # fmt: skip
    prompt_max_offset: float = parameter(
        0.25, 'Clouds whose stamp is farther than this from that of the image are not used [s]; '
        'that of a LiDAR of 10 Hz which stamps the start of its sweep is up to 0.2 s before it. '
        'What the vehicle moves in that time is an error of depth without prompt_fixed_frame.',
        low=0.0, high=1e6,
    )  # fmt: skip
    prompt_extrinsic: tuple[float, ...] = parameter(
        (0.0,), 'Pose of the frame of the points in the optical frame of the camera: x, y, z [m] '
        'and a quaternion qx, qy, qz, qw; [0.0] takes it from tf (needs tf2_ros).', CONFIGURE,
    )  # fmt: skip
    prompt_fixed_frame: str = parameter(
        '', 'Frame of tf that stands still (odom): what the vehicle moves between the cloud and '
        'the image is taken out (needs tf2_ros); empty: it is not.', CONFIGURE,
    )  # fmt: skip
    video_start: float = parameter(
        0.0, 'Begin each frame with the depth and the latents of the last one, noised to this '
        'time in (0, 1): the smaller, the steadier, and the fewer of the steps are made; 0 = off.',
        low=0.0, high=0.99,
    )  # fmt: skip
    video_hold: float = parameter(
        0.0, 'Share of the last depth in the new one where they differ little: steadier, but late '
        'behind a camera that moves; needs video_start.', low=0.0, high=0.95,
    )  # fmt: skip
    video_max_gap: float = parameter(
        0.5, 'Begin afresh when stamps jump back, or ahead by more than this [s].',
        low=0.001, high=1e6,
    )  # fmt: skip

    def check_prompt(self) -> None:
        """Raise a ValueError that says what does not go together."""
        if self.video_hold and not self.video_start:
            raise ValueError('video_hold has no effect without video_start: set that to 0.5')
        if self.static_extrinsic:
            try:
                pose_of(self.prompt_extrinsic)
            except ValueError as error:
                raise ValueError(f'prompt_extrinsic: {error}') from None

    @property
    def static_extrinsic(self) -> bool:
        """Tell whether prompt_extrinsic is a pose."""
        return tuple(self.prompt_extrinsic) != (0.0,)
