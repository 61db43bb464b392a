"""Resizing: Resize ↔ resize, Upsample.

The place that an output pixel takes its number from depends on sizes only, so it is computed while reading: what comes
of it is a repetition, a linear `resize`, or for each axis a sparse matrix, whose rows are the weights of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgenet.graph import Node, emit
from edgenet.ops.resample import Taps

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..writer import Writer
from .movement import repeated

#: place in the input of output place i: scale is out / in as given, n and m are the sizes of input and output
COORDINATES: dict[str, Callable[..., Any]] = {
    "half_pixel": lambda i, scale, n, m: (i + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda i, scale, n, m: (i + 0.5) / scale - 0.5 if m > 1 else 0 * i,
    "half_pixel_symmetric": lambda i, scale, n, m: n / 2 * (1 - m / (scale * n)) + (i + 0.5) / scale - 0.5,
    "tf_half_pixel_for_nn": lambda i, scale, n, m: (i + 0.5) / scale,
    "asymmetric": lambda i, scale, n, m: i / scale,
    "align_corners": lambda i, scale, n, m: i * (n - 1) / (scale * n - 1) if m > 1 else 0 * i,
}
CROP = "tf_crop_and_resize"
ROUNDING: dict[str, Callable[..., Any]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


IMAGE = arrange.channels_first(4)


@dataclass
class Way:
    """How Resize picks and weighs; the fields are its attributes."""

    mode: str
    coordinates: str
    rounding: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude: bool = False
    antialias: bool = False
    extrapolation: float = 0.0

    def weight(self, distance: np.ndarray) -> np.ndarray:
        """The weight of a pixel at that distance."""
        d, a = np.abs(distance), self.cubic
        if self.mode == "linear":
            return np.asarray(np.maximum(1 - d, 0))
        near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        return np.asarray(np.where(d <= 1, near, np.where(d < 2, far, 0.0)))

    def row(self, at: float, n: int, scale: float) -> list[tuple[int, float]]:
        """Pixels and weights of an output that looks at place `at` of n."""
        if self.mode == "nearest":
            return [(int(np.clip(ROUNDING[self.rounding](at), 0, n - 1)), 1.0)]
        stretch = min(scale, 1.0) if self.antialias else 1.0
        reach = (1 if self.mode == "linear" else 2) / stretch
        places = np.arange(int(np.floor(at - reach)), int(np.ceil(at + reach)) + 1)
        weights = self.weight((places - at) * stretch)
        if self.exclude:
            weights = np.where((places < 0) | (places >= n), 0.0, weights)
        if (self.exclude or self.antialias) and weights.sum():
            weights = weights / weights.sum()
        return list(zip(np.clip(places, 0, n - 1).tolist(), weights.tolist(), strict=True))

    def taps(self, n: int, m: int, scale: float, region: tuple[float, float]) -> Taps:
        """The matrix of one axis."""
        i = np.arange(m)
        if self.coordinates == CROP:
            start, end = region
            step = (end - start) * (n - 1) / (m - 1) if m > 1 else 0.0
            at = (start * (n - 1) if m > 1 else 0.5 * (start + end) * (n - 1)) + i * step
        else:
            at = COORDINATES[self.coordinates](i, scale, n, m)
        outside = (at < 0) | (at > n - 1) if self.coordinates == CROP else np.zeros(m, bool)
        return Taps.of_rows(
            n, [[] if out else self.row(float(p), n, scale) for p, out in zip(at, outside, strict=True)]
        )


def _along(x: Tensor, axis: int, m: int, scale: float, way: Way, region: tuple[float, float]) -> Tensor:
    """One axis resized to m places."""
    n, place = x.shape[axis], x.place(axis)
    fitting = abs(scale * n - m) <= 1e-3 and m > 1
    half = way.coordinates in ("half_pixel", "pytorch_half_pixel")
    if way.mode == "linear" and half and fitting and not (way.antialias and scale < 1):
        return x.map(lambda v: emit("resize", [v], axis=place, size=m, mode="linear"))
    taps = way.taps(n, m, scale, region)
    times, rest = divmod(m, n)
    if not rest and taps.places == tuple(np.repeat(np.arange(n), times).tolist()):
        return Tensor.held(repeated(x.raw, place, times, before=False), x.axes) if times > 1 else x
    return x.map(lambda v: emit("resample", [v], axis=place, taps=taps))


def _resized(
    node: OnnxNode, way: Way, scales: Sequence[float], sizes: Sequence[int] | None, regions: Sequence[float] = ()
) -> Tensor:
    x = node.input(0)
    chosen = [x.axis(a) for a in node.ints("axes", range(x.rank))]
    given = scales if sizes is None else sizes
    if len(given) != len(chosen) or (way.coordinates == CROP and len(regions) != 2 * len(chosen)):
        node.refuse(f"expected {len(chosen)} scales or sizes (and a roi of twice as many), got {list(given)}")
    policy = node.attr("keep_aspect_ratio_policy", "stretch")
    if policy not in ("stretch", "not_larger", "not_smaller"):
        node.refuse(f"keep_aspect_ratio_policy={policy!r} is not supported")
    if sizes is not None and policy != "stretch":
        known = [x.shape[a] for a in chosen if not isinstance(x.shape[a], str)]
        ratios = [s / n for s, n in zip(sizes, known, strict=True)] if len(known) == len(chosen) and all(known) else []
        scale = (min if policy == "not_larger" else max)(ratios, default=1.0)
        scales, sizes = [scale] * len(chosen), [int(np.floor(scale * n + 0.5)) for n in known]
    regions = regions or (*(0.0,) * len(chosen), *(1.0,) * len(chosen))
    shifted = way.coordinates == CROP and way.extrapolation != 0
    x = x.map(lambda v: v - way.extrapolation) if shifted else x  # what lies outside of the image becomes 0
    for k, axis in enumerate(chosen):
        n, region = x.shape[axis], (float(regions[k]), float(regions[len(chosen) + k]))
        if given[k] == (1 if sizes is None else n) and (way.coordinates != CROP or region == (0, 1)):
            continue
        if isinstance(n, str):
            node.refuse(f"it resizes an axis of size {n}: pass `shapes` that makes it a number")
        m = int(np.floor(n * float(given[k]) + 1e-6)) if sizes is None else int(sizes[k])
        scale = float(scales[k]) if scales else m / n if n else 0.0
        if m < 1 or scale <= 0 or n < 1:
            node.refuse(f"it resizes {n} places to {m}")
        x = _along(x, axis, m, scale, way, region)
    return x.map(lambda v: v + way.extrapolation) if shifted else x


@importer("Upsample", since=7)
def read_upsample(node: OnnxNode) -> Tensor:
    node.only("mode", "nearest", "linear")
    scales = node.attr("scales") if node.opset < 9 else node.known(1)
    way = Way(node.attr("mode", "nearest"), "asymmetric", "floor")
    return _resized(node, way, [float(s) for s in scales], None)


@importer("Resize", since=10)
def read_resize_10(node: OnnxNode) -> Tensor:
    node.only("mode", "nearest", "linear")
    way = Way(node.attr("mode", "nearest"), "asymmetric", "floor")
    return _resized(node, way, [float(s) for s in node.known(1)], None)


@importer("Resize", since=11)
def read_resize(node: OnnxNode) -> Tensor:
    node.only("mode", "nearest", "linear", "cubic")
    node.only("coordinate_transformation_mode", "half_pixel", CROP, *COORDINATES)
    node.only("nearest_mode", "round_prefer_floor", *ROUNDING)
    way = Way(
        node.attr("mode", "nearest"), node.attr("coordinate_transformation_mode", "half_pixel"),
        node.attr("nearest_mode", "round_prefer_floor"), node.attr("cubic_coeff_a", -0.75),
        bool(node.attr("exclude_outside", 0)), bool(node.attr("antialias", 0)),
        node.attr("extrapolation_value", 0.0),
    )  # fmt: skip
    regions = node.known(1) if way.coordinates == CROP else None
    scales, sizes = node.known(2), node.known_ints(3)
    sizes = None if scales is not None and scales.size else sizes
    floats = scales.tolist() if sizes is None and scales is not None else ()
    return _resized(node, way, floats, sizes, () if regions is None else regions.tolist())


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
