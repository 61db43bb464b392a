"""Resizing by the nearest pixel: Resize, Upsample.

The place that an output pixel takes its number from depends on sizes only, so it is computed while reading; what comes
out is a repetition, a slice with steps, or a few slices side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..node import OnnxNode
from ..registry import importer
from ..tensor import Tensor
from .cut import taken
from .movement import repeated

#: place in the input of output place i: scale is out / in as given, n and m are the sizes of input and output
COORDINATES: dict[str, Callable[..., Any]] = {
    "half_pixel": lambda i, scale, n, m: (i + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda i, scale, n, m: (i + 0.5) / scale - 0.5 if m > 1 else 0 * i,
    "half_pixel_symmetric": lambda i, scale, n, m: n / 2 * (1 - m / (scale * n)) + (i + 0.5) / scale - 0.5,
    "asymmetric": lambda i, scale, n, m: i / scale,
    "align_corners": lambda i, scale, n, m: i * (n - 1) / (m - 1) if m > 1 else 0 * i,
}
ROUNDING: dict[str, Callable[..., Any]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _nearest(x: Tensor, axis: int, scale: float, m: int, mode: str, rounding: str) -> Tensor:
    n = x.shape[axis]
    at = COORDINATES[mode](np.arange(m), scale, n, m)
    places = np.clip(ROUNDING[rounding](at), 0, n - 1).astype(int)
    times, rest = divmod(m, n)
    if not rest and (places == np.repeat(np.arange(n), times)).all():
        return Tensor.held(repeated(x.raw, x.place(axis), times, before=False), x.axes) if times > 1 else x
    return taken(x, axis, places.tolist())


def _resized(node: OnnxNode, scales: Sequence[float], sizes: Sequence[int] | None, mode: str, rounding: str) -> Tensor:
    x = node.input(0)
    chosen = [x.axis(a) for a in node.ints("axes", range(x.rank))]
    given = scales if sizes is None else sizes
    if len(given) != len(chosen):
        node.refuse(f"expected {len(chosen)} scales or sizes, got {list(given)}")
    for k, axis in enumerate(chosen):
        n = x.shape[axis]
        if given[k] == (1 if sizes is None else n):
            continue
        if isinstance(n, str):
            node.refuse(f"it resizes an axis of size {n}: pass `shapes` that makes it a number")
        m = int(np.floor(n * float(given[k]) + 1e-6)) if sizes is None else int(given[k])
        scale = float(given[k]) if sizes is None else m / n
        if m < 1 or scale <= 0 or n < 1:
            node.refuse(f"it resizes {n} places to {m}")
        x = _nearest(x, axis, scale, m, mode, rounding)
    return x


@importer("Upsample", since=7)
def read_upsample(node: OnnxNode) -> Tensor:
    node.only("mode", "nearest")
    scales = node.attr("scales") if node.opset < 9 else node.known(1)
    return _resized(node, [float(s) for s in scales], None, "asymmetric", "floor")


@importer("Resize", since=10)
def read_resize_10(node: OnnxNode) -> Tensor:
    node.only("mode", "nearest")
    return _resized(node, [float(s) for s in node.known(1)], None, "asymmetric", "floor")


@importer("Resize", since=11)
def read_resize(node: OnnxNode) -> Tensor:
    node.only("mode", "nearest")
    node.only("coordinate_transformation_mode", "half_pixel", *COORDINATES)
    node.only("nearest_mode", "round_prefer_floor", *ROUNDING)
    node.only("keep_aspect_ratio_policy", "stretch")
    node.only("antialias", 0)
    node.ignore("cubic_coeff_a", "exclude_outside", "extrapolation_value")  # of other modes
    mode = node.attr("coordinate_transformation_mode", "half_pixel")
    scales, sizes = node.known(2), node.known_ints(3)
    sizes = None if scales is not None and scales.size else sizes
    return _resized(
        node, scales.tolist() if sizes is None else (), sizes, mode, node.attr("nearest_mode", "round_prefer_floor")
    )
