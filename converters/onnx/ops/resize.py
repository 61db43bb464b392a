"""Resizing: Resize ↔ resize, Upsample.

The place that an output pixel takes its number from depends on sizes only, so it is computed while reading; what comes
out of the nearest pixel is a repetition, a slice with steps, or a few slices side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgenet.graph import Node, emit

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..writer import Writer
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


IMAGE = arrange.channels_first(4)


def _linear(node: OnnxNode, x: Tensor, axis: int, scale: float, m: int) -> Tensor:
    """Linear interpolation, whose scale must be that of the sizes."""
    n = x.shape[axis]
    if abs(scale * n - m) > 1e-3:
        node.refuse(f"mode='linear' resizes {n} places to {m} by a scale of {scale}: only {m / n} is supported")
    place = x.place(axis)
    return x.map(lambda v: emit("resize", [v], axis=place, size=m, mode="linear"))


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
        x = _linear(node, x, axis, scale, m) if rounding == "linear" else _nearest(x, axis, scale, m, mode, rounding)
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
    node.only("mode", "nearest", "linear")
    linear = node.attr("mode", "nearest") == "linear"
    node.only("coordinate_transformation_mode", "half_pixel", *COORDINATES)
    node.only("nearest_mode", "round_prefer_floor", *ROUNDING)
    node.only("keep_aspect_ratio_policy", "stretch")
    node.only("antialias", 0)
    node.ignore("cubic_coeff_a", "exclude_outside", "extrapolation_value")  # of other modes
    mode = node.attr("coordinate_transformation_mode", "half_pixel")
    scales, sizes = node.known(2), node.known_ints(3)
    sizes = None if scales is not None and scales.size else sizes
    if linear and mode not in ("half_pixel", "pytorch_half_pixel"):
        node.refuse(f"mode='linear' with coordinate_transformation_mode={mode!r} is not supported, only 'half_pixel'")
    rounding = "linear" if linear else node.attr("nearest_mode", "round_prefer_floor")
    return _resized(node, scales.tolist() if sizes is None else (), sizes, mode, rounding)


@exporter("resize")
def write_resize(node: Node, out: Writer) -> None:
    """Resize; the nearest place of a fraction as a Gather, whose places no rounding of a scale can move."""
    x, axis, m = node.inputs[0], node.attrs["axis"], node.attrs["size"]
    assert x is not None
    rank = x.spec.rank
    n, held = x.shape[axis], IMAGE if rank == 4 else out.held(x)
    place = held.index(axis % rank)
    name = out.name(x, held)
    if node.attrs["mode"] == "nearest" and m % n:
        places = out.constant(np.array([min((2 * p + 1) * n // (2 * m), n - 1) for p in range(m)]), "places")
        out.bind(node.output, held, out.node("Gather", [name, places], node.name, axis=place))
        return
    if rank != 4 or axis % rank not in (1, 2):
        out.refuse(f"it resizes axis {axis} of shape {x.shape}: only h and w of images have a form everywhere")
    scale = np.float32(m / n)
    while n * float(scale) < m:  # runtimes round n · scale down, some of them the exact product
        scale = np.nextafter(scale, np.float32(np.inf))
    scales = out.constant(np.array([scale if j == place else 1 for j in range(rank)], np.float32), "scales")
    how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    if node.attrs["mode"] == "nearest":
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    out.bind(node.output, held, out.node("Resize", [name, "", scales], node.name, **how))
