"""Images read at given points."""

from __future__ import annotations

import itertools

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import folds, limited, wide
from .resize import cubic

_MODES = {"bilinear": "linear", "bicubic": "cubic"}  # as they were called before opset 20


@folds("GridSample")
def _grid_sample(node: OnnxNode) -> np.ndarray:
    """x (n, c, spatial …) at points (n, spatial …, r) from −1 to 1; the first coordinate is that of the last axis."""
    x, grid = node.known(0), wide(node.known(1))
    mode, padding = node.attr("mode", "linear"), node.attr("padding_mode", "zeros")
    mode, align = _MODES.get(mode, mode), bool(node.attr("align_corners", 0))
    if mode not in ("linear", "nearest", "cubic") or padding not in ("zeros", "border", "reflection"):
        raise Refused(f"mode={mode!r} with padding_mode={padding!r} is not supported")
    rank = x.ndim - 2
    if rank < 1 or grid.ndim != x.ndim or grid.shape[-1] != rank or grid.shape[0] != x.shape[0]:
        raise Unfit(f"points of shape {list(grid.shape)} do not fit an input of shape {list(x.shape)}")
    if not all(x.shape[2:]):
        raise Unfit(f"an input of shape {list(x.shape)} has nothing to read")
    limited((*x.shape[:2], *grid.shape[1:-1]))
    last = np.moveaxis(wide(x), 1, -1)
    number = np.arange(x.shape[0]).reshape(-1, *[1] * rank)
    taps = [_taps(grid[..., rank - 1 - a], n, mode, padding, align) for a, n in enumerate(x.shape[2:])]
    y = np.zeros((*grid.shape[:-1], x.shape[1]), last.dtype)
    for choice in itertools.product(*taps):
        weight = np.ones(grid.shape[:-1], last.dtype)
        for _, w in choice:
            weight = weight * w
        y += weight[..., None] * last[(number, *(place for place, _ in choice))]
    return np.moveaxis(y, -1, 1).astype(x.dtype)


def _taps(point: np.ndarray, size: int, mode: str, padding: str, align: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """The neighbours along one axis: their indices and weights, all of the shape of the points."""
    x = (point + 1) / 2 * (size - 1) if align else ((point + 1) * size - 1) / 2
    x = np.clip(np.nan_to_num(x), -(2.0**40), 2.0**40)  # further away, an index would not fit in an integer
    if mode == "nearest":
        taps = [(np.rint(x), np.ones_like(x))]
    else:
        reach = 1 if mode == "linear" else 2
        floor = np.floor(x)
        offsets = range(1 - reach, 1 + reach)
        if mode == "linear":
            taps = [(floor + k, 1 - np.abs(x - floor - k)) for k in offsets]
        else:
            taps = [(floor + k, cubic(x - floor - k, -0.75)) for k in offsets]
    return [_inside(place.astype(np.int64), weight, size, padding, align) for place, weight in taps]


def _inside(
    place: np.ndarray, weight: np.ndarray, size: int, padding: str, align: bool
) -> tuple[np.ndarray, np.ndarray]:
    if padding == "zeros":
        weight = np.where((place < 0) | (place >= size), 0, weight)
    if padding == "reflection":
        if align:  # about the first and the last number
            place = np.abs((place + size - 1) % max(2 * size - 2, 1) - (size - 1)) if size > 1 else 0 * place
        else:  # about the outer edges of them
            place = place % (2 * size)
            place = np.minimum(place, 2 * size - 1 - place)
    return np.clip(place, 0, size - 1), weight
