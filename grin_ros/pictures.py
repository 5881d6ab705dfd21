# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Pictures of depth that keep its metres: colours, a legend with ticks, overlays, error maps.

Colour follows the logarithm of depth, so a tenth of the distance is as visible near as far; warm
is near, grey is unknown. Every picture is (H, W, 3) uint8 RGB and drawn by OpenCV alone.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

UNKNOWN = (128, 128, 128)
PAPER = 24  # the dark ground of texts and margins
_INK = (240, 240, 240)
_TURBO = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[::-1, None], cv2.COLORMAP_TURBO)
_TURBO = cv2.cvtColor(_TURBO, cv2.COLOR_BGR2RGB)
# Error: too near is blue, right is white, too far is red.
_ERROR_AT = (-1.0, -0.5, 0.0, 0.5, 1.0)
_ERROR_RGB = np.array(
    [(20, 40, 150), (90, 160, 235), (245, 245, 245), (245, 150, 90), (150, 20, 30)], float
)


def depth_range(*depths: np.ndarray) -> tuple[float, float]:
    """
    Return (near, far) in metres for a legend: what 98 of 100 known pixels lie in, and some margin.

    depths: any shapes, metres; NaN, infinity and zero are unknown
    """
    known = np.concatenate([depth[_known(depth)] for depth in depths])
    if known.size == 0:
        return 1.0, 10.0
    near, far = np.percentile(known, (1, 99))
    return float(near / 1.02), float(max(far, 1.2 * near) * 1.02)


def colorize(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    """
    Colour a depth map; beyond near and far the end colours go on.

    depth: (H, W), metres; NaN, infinity and zero are unknown
    near, far: metres, 0 < near < far
    """
    known = _known(depth)
    position = np.log(np.where(known, depth, near) / near) * float(255 / np.log(far / near))
    picture = cv2.applyColorMap(np.rint(np.clip(position, 0, 255)).astype(np.uint8), _TURBO)
    picture[~known] = UNKNOWN
    return picture


def legend(near: float, far: float, height: int) -> np.ndarray:
    """
    Draw the bar of colours with ticks in metres: far on top, near at the bottom.

    returns: (height, W, 3); W follows the height
    """
    scale = max(0.35, min(1.2, height / 700))
    letter = cv2.getTextSize('0', cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][1]
    bar = 2 * letter
    picture = np.full((height, bar + 7 * letter, 3), PAPER, np.uint8)
    picture[:, :bar] = colorize(_bar(near, far, height)[:, None], near, far)
    for value in ticks(near, far, count=max(3, min(8, height // (3 * letter)))):
        row = legend_row(value, near, far, height)
        cv2.line(picture, (bar, row), (bar + letter // 2, row), _INK, 1)
        baseline = int(np.clip(row + letter // 2, letter + 1, height - 2))
        _text(picture, f'{value:g} m', (bar + letter, baseline), scale)
    return picture


def legend_row(value: float, near: float, far: float, height: int) -> int:
    """Return the row of a legend of that height that shows a depth."""
    return round((height - 1) * (1 - float(np.log(value / near) / np.log(far / near))))


def ticks(near: float, far: float, count: int) -> list[float]:
    """Return 2 to `count` + 1 depths in [near, far], the rounder the better, well apart in log."""
    spacing = np.log(far / near) / count
    chosen: list[float] = []
    finer = (1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), np.arange(1, 10, 0.1)
    for digits in (*finer, np.arange(1, 10, 0.01)):
        for value in _round_numbers(near, far, digits):
            if all(abs(np.log(value / other)) >= spacing for other in chosen):
                chosen.append(value)
        if len(chosen) >= max(3, count / 2):
            break
    return sorted(chosen)


def with_legend(picture: np.ndarray, near: float, far: float) -> np.ndarray:
    """Put the legend to the right of a picture that `colorize` or `overlay` made."""
    return np.hstack([picture, legend(near, far, len(picture))])


def overlay(
    image: np.ndarray, depth: np.ndarray, near: float, far: float, opacity: float = 0.6
) -> np.ndarray:
    """
    Lay the colours of depth over the image; where depth is unknown the image stays.

    image: (H, W, 3) uint8 RGB
    depth: (H, W), metres
    """
    blend = (1 - opacity) * image + opacity * colorize(depth, near, far)
    return np.where(_known(depth)[..., None], np.rint(blend), image).astype(np.uint8)


def error_map(prediction: np.ndarray, truth: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """
    Colour the ratio prediction / truth: blue too near, white right, red too far, grey unknown.

    prediction, truth: (H, W), metres; NaN, infinity and zero are unknown
    factor: ratio at which the colours end
    """
    known = _known(prediction) & _known(truth)
    ratio = np.divide(prediction, truth, out=np.ones(truth.shape), where=known)
    position = np.log(ratio) / np.log(factor)
    channels = [np.interp(position, _ERROR_AT, _ERROR_RGB[:, c]) for c in range(3)]
    picture = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    picture[~known] = UNKNOWN
    return picture


def thicken(depth: np.ndarray, radius: int) -> np.ndarray:
    """
    Let every known pixel cover its unknown neighbours, the nearest depth first.

    For the eye only: a scanner's points on a large image vanish when the image is made smaller.
    """
    known = _known(depth)
    nobody = np.finfo(np.float32).max  # also what cv2.erode takes beyond the border
    depth = np.where(known, depth, nobody).astype(np.float32)
    near = cv2.erode(depth, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8))
    out = np.where(known, depth, near)
    return np.where(out < nobody, out, np.float32(0))


def label(picture: np.ndarray, text: str) -> np.ndarray:
    """Return the picture with a text on a dark strip at its top left."""
    picture = picture.copy()
    scale = max(0.35, min(1.0, picture.shape[1] / 900))
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    picture[: height + 2 * below, : width + 2 * below] = PAPER
    _text(picture, text, (below, height + below), scale)
    return picture


def fit(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shrink or enlarge a picture into (height, width), keeping its shape, on dark ground."""
    height, width = size
    scale = min(height / picture.shape[0], width / picture.shape[1])
    inner = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    smaller = cv2.resize(
        picture, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    out = np.full((height, width, 3), PAPER, np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    out[top : top + inner[1], left : left + inner[0]] = smaller
    return out


def write(path: str | Path, picture: np.ndarray) -> None:
    """
    Write a picture as the file type that its name says, making the folder if need be.

    picture: (H, W, 3) uint8 RGB, or one channel as it is
    """
    path = Path(path)
    if not cv2.haveImageWriter(str(path)):
        raise ValueError(f'{path} is no picture by its name; end it in .png or .jpg')
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    if not cv2.imwrite(str(path), stored):
        raise OSError(f'{path} cannot be written; is its folder writable and the disk not full?')


def _known(depth: np.ndarray) -> np.ndarray:
    return np.isfinite(depth) & (depth > 0)


def _bar(near: float, far: float, height: int) -> np.ndarray:
    return far * (near / far) ** np.linspace(0, 1, height)


def _round_numbers(near: float, far: float, digits) -> list[float]:
    decades = range(int(np.floor(np.log10(near))), int(np.ceil(np.log10(far))) + 1)
    values = [float(f'{digit * 10.0**decade:.3g}') for decade in decades for digit in digits]
    return [value for value in values if near <= value <= far]


def _text(picture: np.ndarray, text: str, origin: tuple[int, int], scale: float) -> None:
    cv2.putText(picture, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)
