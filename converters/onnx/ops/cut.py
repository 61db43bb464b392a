"""Operators that cut and fill around the edges: Slice ↔ slice, Pad ↔ pad; Split is slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet.graph import Node, emit
from edgenet.ops.resample import take

from ..fold import slice_table, split_sizes
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, side_by_side
from ..writer import Writer


def _cut(x: Tensor, starts: Any, stops: Any, steps: Any) -> Tensor:
    """A slice, its limits given in the order of ONNX's axes."""
    if all(entry == (None, None, 1) for entry in zip(starts, stops, steps, strict=True)):
        return x
    limits = {"starts": starts, "stops": stops, "steps": steps}
    attrs = {key: tuple(entry[a] for a in x.axes) for key, entry in limits.items()}
    return Tensor.held(one(emit("slice", [x.raw], **attrs)), x.axes)


def _range(x: Tensor, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    """x[start:stop:step] along one axis; start and stop count from the front."""
    starts: list[Any] = [None] * x.rank
    stops: list[Any] = [None] * x.rank
    steps = [1] * x.rank
    size = x.shape[axis]
    starts[axis], stops[axis], steps[axis] = start or None, None if stop == size else stop, step
    return _cut(x, starts, stops, steps)


#: slices side by side that are no worse than a table of places
RUNS = 4


def taken(x: Tensor, axis: int, indices: list[int]) -> Tensor:
    """The given places along an axis: one slice for each run of equal distances, if there are few."""
    runs: list[list[int]] = []
    for i in indices:
        run = runs[-1] if runs else []
        if (len(run) == 1 and i > run[0]) or (len(run) > 1 and i - run[-1] == run[1] - run[0]):
            run.append(i)
        else:
            runs.append([i])
    if len(runs) > RUNS:
        place = x.place(axis)
        return x.map(lambda v: take(v, indices, place))
    parts = [_range(x, axis, r[0], r[-1] + 1, r[1] - r[0] if len(r) > 1 else 1) for r in runs]
    if len(parts) == 1:
        return parts[0]
    values, axes = side_by_side(parts)
    return Tensor.held(one(emit("concat", values, axis=axes.index(axis))), axes)


@importer("Slice", since=1)
def read_slice(node: OnnxNode) -> Tensor:
    x = node.input(0)
    starts, stops, steps = slice_table(node)
    for axis in [a for a, step in enumerate(steps) if step < 0]:
        indices = list(range(*slice(starts[axis], stops[axis], steps[axis]).indices(x.shape[axis])))
        x = taken(x, axis, indices)
        starts[axis], stops[axis], steps[axis] = None, None, 1
    return _cut(x, starts, stops, steps)


@exporter("slice")
def write_slice(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    held = out.held(x)
    rows = [(a, *(node.attrs[key][a] for key in ("starts", "stops", "steps"))) for a in held]
    cut = [(place, *row[1:]) for place, row in enumerate(rows) if row[1:] != (None, None, 1)]
    if not cut:
        out.bind(node.output, held, out.node("Identity", [out.name(x, held)], node.name))
        return
    end = np.iinfo(np.int64).max
    columns = [[start or 0 for _, start, _, _ in cut], [end if s is None else s for _, _, s, _ in cut],
               [place for place, *_ in cut], [step for *_, step in cut]]  # fmt: skip
    limits = [out.ints(c, hint) for c, hint in zip(columns, ("starts", "ends", "axes", "steps"), strict=True)]
    out.bind(node.output, held, out.node("Slice", [out.name(x, held), *limits], node.name))


@importer("Split", since=2)
def read_split(node: OnnxNode) -> list[Tensor]:
    x = node.input(0)
    axis = x.axis(node.attr("axis", 0))
    parts, at = [], 0
    for size in split_sizes(node, x.shape[axis]):
        parts.append(_range(x, axis, at, at + size))
        at += size
    return parts


@importer("Pad", since=2)
def read_pad(node: OnnxNode) -> Tensor:
    x = node.input(0)
    node.only("mode", "constant", "reflect", "edge", "wrap")
    mode = node.attr("mode", "constant")
    if node.opset < 11:
        pads, value = node.ints("pads", ()), node.attr("value", 0.0)
    else:
        pads, value = node.known_ints(1, ()), node.scalar(2, 0.0)
    axes = [x.axis(a) for a in node.known_ints(3, tuple(range(x.rank)))]
    if len(pads) != 2 * len(axes):
        node.refuse(f"expected {2 * len(axes)} pads for the axes {axes}, got {list(pads)}")
    around = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    table = [around.get(a, (0, 0)) for a in range(x.rank)]
    cut = [(-min(a, 0) or None, min(b, 0) or None) for a, b in table]  # negative pads cut
    x = _cut(x, [a for a, _ in cut], [b for _, b in cut], [1] * x.rank)
    padding = [(max(a, 0), max(b, 0)) for a, b in table]
    if not any(map(any, padding)):
        return x
    if mode == "constant":
        return x.map(lambda v: emit("pad", [v], padding=tuple(padding[a] for a in x.axes), value=value))
    for axis, (before, after) in enumerate(padding):
        if before or after:
            places, place = _mirrored(node, x.shape[axis], before, after, mode), x.place(axis)
            x = Tensor.held(take(x.raw, places, place), x.axes)
    return x


def _mirrored(node: OnnxNode, size: Any, before: int, after: int, mode: str) -> list[int]:
    """The places that a padded axis shows."""
    if isinstance(size, str) or size < 1:
        node.refuse(f"it pads an axis of size {size}: pass `shapes` that makes it a number of at least 1")
    at = np.arange(-before, size + after)
    if mode == "edge":
        return [int(i) for i in np.clip(at, 0, size - 1)]
    if mode == "wrap":
        return [int(i) for i in at % size]
    turn = max(2 * (size - 1), 1)
    return [int(i) for i in (size - 1) - np.abs(at % turn - (size - 1))]


@exporter("pad")
def write_pad(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    held = out.held(x)
    padding = [node.attrs["padding"][a] for a in held]
    pads = out.ints([a for a, _ in padding] + [b for _, b in padding], "pads")
    inputs = [out.name(x, held), pads, *([out.number(node.attrs["value"])] if node.attrs["value"] else [])]
    out.bind(node.output, held, out.node("Pad", inputs, node.name))
