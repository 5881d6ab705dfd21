# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The frame that stands still while a vehicle moves: as told, by its name, or of an odometry topic.

The root of a moving tree alone is no evidence: a camera on a head that turns moves in base_link.
"""

from __future__ import annotations

from pathlib import Path

from .extract_config import ExtractConfig
from .tf import Transforms

# Frames that do not move, the locally smooth ones first (REP 105).
NAMES = ('odom', 'odom_combined', 'world', 'map', 'global', 'earth')


def worlds_of(
    path: Path, topic: str, poses: Transforms, config: ExtractConfig, notes: list[str]
) -> list[str]:
    """
    Return the frames that an odometry topic gives poses in.

    notes: gets a sentence where there is no pose
    raises: ValueError with that sentence where --odometry names the topic
    """
    if not poses.frames:
        sentence = (
            f'{topic} has no usable pose: its messages lack numbers, or two names in '
            'header.frame_id and child_frame_id'
        )
        if config.odometry:
            raise ValueError(
                f'{path}: {sentence}; name another topic, or leave out --odometry to go by tf'
            )
        notes.append(sentence)
    return [parent for parent, _ in poses.pairs]


def find_fixed_frame(
    path: str, transforms: Transforms, chain: tuple[str, str], worlds: list[str],
    config: ExtractConfig,
) -> str | None:  # fmt: skip
    """
    Return the fixed frame of a recording; None = nothing moves, or motion is not wanted.

    path: of the bag, for errors
    chain: frames of the camera and of the LiDAR
    worlds: frames that odometry topics give poses in, of --odometry the first
    raises: ValueError where the frame that is told is not connected to the camera, or where
        something moves and nothing tells whether that is the vehicle
    """
    if not config.ego_motion:
        return None
    told = config.fixed_frame or (worlds[0] if config.odometry else None)
    if told is None:
        return _found(transforms, chain[0], worlds) or _nothing(path, transforms, chain)
    if transforms.path(told, chain[0]) is None:
        option = '--fixed-frame' if config.fixed_frame else f'the frame of {config.odometry},'
        raise ValueError(
            f'{path}: {option} {told!r} is not connected to the camera {chain[0]!r}; the bag '
            f'knows the frames {", ".join(transforms.frames)}: name another one, or pass what '
            'is missing with --extrinsics FILE.yaml'
        )
    return told


def _found(transforms: Transforms, camera: str, worlds: list[str]) -> str | None:
    """
    Return the fixed frame with the best name that is reached by way of no other one.

    So the map is not asked beyond the odometry, nor the odometry of another robot beyond the map.
    A frame in which the camera stands is asked only where it moves in none: wheels may be dead.
    """

    def moving(frame: str) -> bool:
        # Odometry in the vehicle's own frame is about a wheel or a joint.
        return (named(frame) or frame in worlds) and transforms.moves(frame, camera)

    for fixed in (moving, named):
        found = list(filter(fixed, transforms.reach(camera, stop=fixed)))
        if found:
            return min(found, key=_rank)
    return None


def _nothing(path: str, transforms: Transforms, chain: tuple[str, str]) -> None:
    """Refuse to take what moves for a vehicle that stands."""
    for frame in chain:
        top = transforms.top(frame)
        if top is not None:
            raise ValueError(
                f'{path}: {frame!r} moves in {top!r}, and neither that name nor an odometry topic '
                f'tells whether {top!r} stands still in the world: pass --fixed-frame {top} if it '
                'does, else --no-ego-motion'
            )


def named(frame: str) -> bool:
    """Tell whether a frame stands still by its name."""
    return _rank(frame) < len(NAMES)


def _rank(frame: str) -> int:
    """Return the place in NAMES of a name, without the prefix of a robot; their number if none."""
    base = frame.rpartition('/')[2]
    ranks = (i for i, name in enumerate(NAMES) if base == name or base.endswith(f'_{name}'))
    return next(ranks, len(NAMES))
