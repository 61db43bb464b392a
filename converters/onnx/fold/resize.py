"""Resize and Upsample: each axis by itself, as a weighted sum of a few neighbours.

A point of the result lies at the coordinate x of the input (`_COORDINATES`).  With t = x − floor(x), its value is
Σ w(k − t) · input[floor(x) + k] over the neighbours k, with w a triangle (linear) or Keys's cubic; `antialias`
stretches w by 1 / scale where the result is smaller.  Neighbours outside repeat the edge, or do not count
(`exclude_outside`).
Coordinates are computed in float32, so that points between two numbers fall as they do elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import axes_of, folds, limited, wide
from .signature import is_float

F = np.float32


class Axis(NamedTuple):
    """How one axis is resized."""

    size: int
    out: int
    scale: float
    start: float = 0.0
    end: float = 1.0


def _cropped(i: np.ndarray, a: Axis) -> np.ndarray:
    if a.out == 1:
        return np.full_like(i, F(0.5) * (F(a.start) + F(a.end)) * F(a.size - 1))
    return F(a.start) * F(a.size - 1) + i * (F(a.end) - F(a.start)) * F(a.size - 1) / F(a.out - 1)


def _half_pixel(i: np.ndarray, a: Axis) -> np.ndarray:
    return (i + F(0.5)) / F(a.scale) - F(0.5)


_COORDINATES: dict[str, Callable[[np.ndarray, Axis], np.ndarray]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": lambda i, a: (
        F(a.size / 2) * (F(1) - F(a.out) / (F(a.scale) * F(a.size))) + _half_pixel(i, a)
    ),
    "pytorch_half_pixel": lambda i, a: _half_pixel(i, a) if a.out > 1 else 0 * i,
    "tf_half_pixel_for_nn": lambda i, a: (i + F(0.5)) / F(a.scale),
    "asymmetric": lambda i, a: i / F(a.scale),
    "align_corners": lambda i, a: i * F(a.size - 1) / F(max(a.out - 1, 1)),
    "tf_crop_and_resize": _cropped,
}
_NEAREST: dict[str, Callable[[np.ndarray, Axis], np.ndarray]] = {
    "round_prefer_floor": lambda x, a: np.ceil(x - F(0.5)), "round_prefer_ceil": lambda x, a: np.floor(x + F(0.5)),
    "floor": lambda x, a: np.floor(x), "ceil": lambda x, a: np.ceil(x),
    "before opset 11": lambda x, a: np.ceil(x) if a.scale < 1 else np.floor(x),
}  # fmt: skip


@folds("Upsample")
def _upsample(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    scales = node.attr("scales", ()) if node.opset < 9 else _floats(node, 1)
    return _simply(x, scales, node.attr("mode", "nearest"))


def _simply(x: np.ndarray, scales: Sequence[float], mode: str) -> np.ndarray:
    """As it was before opset 11."""
    axes = _scaled(x.shape, scales, range(x.ndim))
    interpolation = _interpolation(mode, "before opset 11", -0.75, False, False)
    return _stored(resized(x, axes, _COORDINATES["asymmetric"], interpolation), x.dtype)


@folds("Resize")
def _resize(node: OnnxNode) -> np.ndarray:
    x, mode = node.known(0), node.attr("mode", "nearest")
    if node.opset < 11:
        return _simply(x, _floats(node, 1), mode)
    coordinates = node.attr("coordinate_transformation_mode", "half_pixel")
    if coordinates not in _COORDINATES:
        raise Refused(f"coordinate_transformation_mode={coordinates!r} is not supported")
    crop = coordinates == "tf_crop_and_resize"
    interpolation = _interpolation(
        mode,
        node.attr("nearest_mode", "round_prefer_floor"),
        node.attr("cubic_coeff_a", -0.75),
        bool(node.attr("exclude_outside", 0)),
        bool(node.attr("antialias", 0)),
    )
    outside = node.attr("extrapolation_value", 0.0)
    y = resized(x, _axes(node, x, crop), _COORDINATES[coordinates], interpolation, outside if crop else None)
    whole = not is_float(x.dtype) and node.attr("antialias", 0)
    return _stored(np.rint(y) if whole else y, x.dtype)


def _stored(y: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Numbers as the dtype holds them: integers are cut off, and do not go beyond what it holds."""
    if dtype.kind in "iu":
        y = np.clip(y, np.iinfo(dtype).min, np.iinfo(dtype).max)
    return y.astype(dtype, copy=False)


# sizes ---------------------------------------------------------------------------------------------------------------


def _floats(node: OnnxNode, i: int) -> list[float]:
    array = node.known(i)
    return [] if array is None else [float(a) for a in wide(array).flat]


def _axes(node: OnnxNode, x: np.ndarray, crop: bool) -> dict[int, Axis]:
    """The axes that change, with how they do."""
    chosen = axes_of(node.ints("axes", range(x.ndim)), x.ndim)
    roi, scales, sizes = _floats(node, 1), _floats(node, 2), node.known_ints(3, ())
    node.only("keep_aspect_ratio_policy", "stretch", "not_larger", "not_smaller")
    policy = node.attr("keep_aspect_ratio_policy", "stretch")
    if bool(scales) == bool(sizes):
        raise Unfit("expected either scales or sizes")
    if not crop:
        roi = [0.0] * len(chosen) + [1.0] * len(chosen)
    elif len(roi) != 2 * len(chosen):
        raise Unfit(f"expected a roi of {2 * len(chosen)} numbers, got {len(roi)}")
    if scales:
        return _scaled(x.shape, scales, chosen, roi)
    if len(sizes) != len(chosen) or min(sizes) < 0:
        raise Unfit(f"the sizes {list(sizes)} do not fit the axes {list(chosen)}")
    if any(not x.shape[a] for a in chosen):
        raise Unfit(f"an input of shape {list(x.shape)} has nothing to resize")
    factors = [s / x.shape[a] for s, a in zip(sizes, chosen, strict=True)]
    if policy != "stretch":
        factors = [min(factors) if policy == "not_larger" else max(factors)] * len(chosen)
        sizes = [int(np.floor(f * x.shape[a] + 0.5)) for f, a in zip(factors, chosen, strict=True)]
    starts, ends = roi[: len(chosen)], roi[len(chosen) :]
    table = zip(chosen, sizes, factors, starts, ends, strict=True)
    return {a: Axis(x.shape[a], size, f, start, end) for a, size, f, start, end in table}


def _scaled(
    shape: Sequence[int], scales: Sequence[float], chosen: Sequence[int], roi: Sequence[float] = ()
) -> dict[int, Axis]:
    if len(scales) != len(chosen) or not all(0 < s < np.inf for s in scales):
        raise Unfit(f"the scales {list(scales)} do not fit the axes {list(chosen)} of shape {list(shape)}")
    roi = roi or [0.0] * len(chosen) + [1.0] * len(chosen)
    axes = {}
    for i, (a, scale) in enumerate(zip(chosen, scales, strict=True)):
        start, end = roi[i], roi[i + len(chosen)]
        # the factors are numbers of 32 bits, and so is their product
        axes[a] = Axis(shape[a], int(np.floor(F(shape[a]) * (F(end) - F(start)) * F(scale))), scale, start, end)
    return axes


# neighbours ----------------------------------------------------------------------------------------------------------

Taps = tuple[np.ndarray, np.ndarray | None]  # places (out, k) and their weights; without weights, one place each
Interpolation = Callable[[np.ndarray, Axis], Taps]


def _interpolation(mode: str, nearest: str, a: float, exclude: bool, antialias: bool) -> Interpolation:
    """From coordinates to places in the input and their weights."""
    if mode == "nearest":
        if nearest not in _NEAREST:
            raise Refused(f"nearest_mode={nearest!r} is not supported")
        return lambda x, axis: (_NEAREST[nearest](x, axis).astype(np.int64)[:, None], None)
    if mode in ("linear", "bilinear"):
        kernel, reach = _triangle, 1
    elif mode in ("cubic", "bicubic"):
        kernel, reach = lambda t: cubic(t, a), 2
    else:
        raise Refused(f"mode={mode!r} is not supported, only 'nearest', 'linear' or 'cubic'")

    def taps(x: np.ndarray, axis: Axis) -> Taps:
        shrink = min(axis.scale, 1.0) if antialias else 1.0
        first = int(np.floor(-reach / shrink)) + 1
        limited((max(x.size, 1), 2 - 2 * first))
        floor = np.floor(x)
        offsets = np.arange(first, 2 - first)
        limited((x.size, offsets.size))
        weights = kernel((offsets - (x - floor)[:, None]) * shrink)
        places = floor.astype(np.int64)[:, None] + offsets
        if exclude:
            weights = np.where((places < 0) | (places >= axis.size), 0, weights)
        return places, weights / weights.sum(1, keepdims=True)

    return taps


def _triangle(t: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(1 - np.abs(t), 0))


def cubic(t: np.ndarray, a: float) -> np.ndarray:
    """Keys's cubic kernel, which is 0 from a distance of 2 on."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.asarray(np.where(t <= 1, near, np.where(t < 2, far, 0)))


def resized(
    x: np.ndarray,
    axes: dict[int, Axis],
    coordinates: Callable[[np.ndarray, Axis], np.ndarray],
    interpolation: Interpolation,
    outside: float | None = None,
) -> np.ndarray:
    """The array with those axes resized; `outside`: the value of points whose coordinate is not within the input.

    Integers that were interpolated come back as float64.
    """
    limited([axes[a].out if a in axes else n for a, n in enumerate(x.shape)])
    y, beyond = wide(x), []
    for a, axis in axes.items():
        if axis.out and not axis.size:
            raise Unfit(f"an input of shape {list(x.shape)} has nothing to resize")
        if outside is None and axis.size == axis.out and axis.scale == 1:
            continue
        at = coordinates(np.arange(axis.out, dtype=F), axis)
        places, weights = interpolation(at, axis)
        places = np.clip(places, 0, max(axis.size - 1, 0))
        y = np.take(y, places[:, 0], a) if weights is None else _weighted(y, a, places, weights)
        if outside is not None:
            beyond.append((a, (at < 0) | (at > axis.size - 1)))
    for a, where in beyond:
        y = np.where(where.reshape([-1 if i == a else 1 for i in range(x.ndim)]), outside or 0, y)
    return y


def _weighted(x: np.ndarray, axis: int, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Σ weights[:, k] · x[places[:, k]] along the axis."""
    x = x if is_float(x.dtype) else x.astype(np.float64)
    around = [-1 if i == axis else 1 for i in range(x.ndim)]
    total = np.zeros((*x.shape[:axis], len(places), *x.shape[axis + 1 :]), x.dtype)
    for k in range(places.shape[1]):
        if weights[:, k].any():
            total += np.take(x, places[:, k], axis) * weights[:, k].reshape(around).astype(x.dtype)
    return total
