# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Diffusion on tensors of any shape: schedules, the algebra of targets, loss and samplers."""

from grin_ros.diffusion.loss import masked_loss
from grin_ros.diffusion.sampling import ddim, ddpm, Step, time_steps
from grin_ros.diffusion.schedule import (
    add_noise,
    expand,
    Schedule,
    ScheduleConfig,
    target_of,
    TARGETS,
    to_eps,
    to_v,
    to_x_0,
)

__all__ = [
    'TARGETS',
    'Schedule',
    'ScheduleConfig',
    'Step',
    'add_noise',
    'ddim',
    'ddpm',
    'expand',
    'masked_loss',
    'target_of',
    'time_steps',
    'to_eps',
    'to_v',
    'to_x_0',
]
