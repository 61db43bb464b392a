"""Ops that move numbers and compute nothing.  The gradient of each moves them back."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Call, Cost, Layouts, Node, Op, ShapeError, Spec, Value, emit
from edgenet.graph.op import symbolic
from edgenet.graph.spec import Dim

from .grid import Grid, Move, calls, ends, one, strides_of


class Reshape(Op):
    """The same numbers under another shape."""

    name = "reshape"
    view = True

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        return [Spec.of(resolve(specs[0].shape, attrs["shape"]), specs[0].dtype)]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        x = node.inputs[0]
        assert x is not None
        return [reshape(dys[0], x.shape)]

    def cost(self, node: Node) -> Cost:
        return Cost(0, 0)


def resolve(shape: Sequence[Dim], wanted: Sequence[Dim]) -> tuple[Dim, ...]:
    """`wanted` with its -1, or a name that `shape` does not have, replaced by what makes both equally large.

    >>> resolve(("batch", 7, 7, 64), ("batch", -1)), resolve(("batch", 7, 7, 64), (-1, 3136))
    (('batch', 3136), ('batch', 3136))

    Raises:
        ShapeError: if no size does, or more than one size is open.
    """
    names = [d for d in shape if isinstance(d, str)]
    open_axes = []
    for axis, d in enumerate(wanted):
        if isinstance(d, str) and d in names:
            names.remove(d)
        elif isinstance(d, str) or d == -1:
            open_axes.append(axis)
        elif d < 0:
            raise ShapeError(f"expected sizes of at least 0, and -1 for one that follows from the others, got {wanted}")
    have = math.prod(d for d in shape if isinstance(d, int))
    want = math.prod(d for d in wanted if isinstance(d, int) and d >= 0)
    rest: Dim | None = None
    if len(open_axes) == 1:
        if not names and want and have % want == 0:
            rest = have // want
        elif len(names) == 1 and have == want:
            rest = names[0]
    elif not open_axes and not names and have == want:
        rest = 0
    if rest is None:
        raise ShapeError(f"x of shape {tuple(shape)} cannot be given the shape {tuple(wanted)}")
    return tuple(rest if axis in open_axes else d for axis, d in enumerate(wanted))


class Transpose(Move):
    """Axis i of y is axis perm[i] of x."""

    name = "transpose"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        perm = attrs["perm"]
        if sorted(perm) != list(range(specs[0].rank)):
            raise ShapeError(f"expected perm to order the axes 0 to {specs[0].rank - 1} of x, got {perm}")
        return [specs[0].shape[axis] for axis in perm]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        return [transpose(dys[0], [int(axis) for axis in np.argsort(node.attrs["perm"])])]

    def lower(self, node: Node) -> list[Call]:
        x, y, _, y_shape = ends(node)
        strides, layout = x.layout.strides, y.layout
        sx = [strides[axis] for axis in node.attrs["perm"]]
        return calls(x, y, Grid(y_shape, sx, layout.strides, x.layout.start, layout.start))

    def layouts(self, node: Node) -> Layouts:
        x = node.inputs[0]
        assert x is not None
        return Layouts((x, node.output))


def _blocks(shape: Sequence[int], block: int, mode: str) -> tuple[list[int], list[int]]:
    """The axes (n, h, i, w, j, co) of a deep array (n, h, w, c): sizes and strides; pixel (i, j) of a block."""
    n, h, w, c = shape
    co = c // block**2
    i, j, channel = (block * co, co, 1) if mode == "DCR" else (block, 1, block**2)
    return [n, h, block, w, block, co], [h * w * c, w * c, i, c, j, channel]


def _check_blocks(specs: Sequence[Spec], attrs: dict[str, Any]) -> None:
    if attrs["mode"] not in ("DCR", "CRD") or attrs["block"] < 1:
        raise ShapeError(f"expected mode DCR or CRD and a block of at least 1, got {attrs['mode']!r}, {attrs['block']}")
    if specs[0].rank != 4 or any(isinstance(d, str) for d in specs[0].shape[1:]):
        raise ShapeError(f"expected x of shape (n, h, w, c) with h, w and c known, got {specs[0].shape}")


class DepthToSpace(Move):
    """Each run of block² · co channels becomes a square of block × block pixels."""

    name = "depth_to_space"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        _check_blocks(specs, attrs)
        (n, *_), (h, w, c), block = specs[0].shape, Spec(specs[0].shape[1:]).sizes, attrs["block"]
        if c % block**2:
            raise ShapeError(f"expected a multiple of block² = {block**2} channels, got {c} (shape {specs[0].shape})")
        return (n, h * block, w * block, c // block**2)

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        return [space_to_depth(dys[0], **node.attrs)]

    def lower(self, node: Node) -> list[Call]:
        x, y, x_shape, _ = ends(node)
        sizes, strides = _blocks(x_shape, **node.attrs)
        return calls(x, y, Grid(sizes, strides, strides_of(sizes)))


class SpaceToDepth(Move):
    """The inverse of depth_to_space."""

    name = "space_to_depth"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        _check_blocks(specs, attrs)
        (n, *_), (h, w, c), block = specs[0].shape, Spec(specs[0].shape[1:]).sizes, attrs["block"]
        if h % block or w % block:
            raise ShapeError(f"expected h and w to be multiples of block = {block}, got {specs[0].shape}")
        return (n, h // block, w // block, c * block**2)

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        return [depth_to_space(dys[0], **node.attrs)]

    def lower(self, node: Node) -> list[Call]:
        x, y, _, y_shape = ends(node)
        sizes, strides = _blocks(y_shape, **node.attrs)
        grid = sorted(zip(strides, sizes, strides_of(sizes), strict=True), reverse=True)  # y's order
        return calls(x, y, Grid([g[1] for g in grid], [g[2] for g in grid], [g[0] for g in grid]))


class BroadcastTo(Move):
    """x repeated along axes of size 1, and along new axes in front, by NumPy's rules."""

    name = "broadcast_to"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        shape, new = attrs["shape"], len(attrs["shape"]) - specs[0].rank
        if new < 0 or any(
            d not in (1, t) and isinstance(t, int) for d, t in zip(specs[0].shape, shape[new:], strict=True)
        ):
            raise ShapeError(f"x of shape {specs[0].shape} cannot be broadcast to {tuple(shape)}")
        # a name that x has a size for is known by now
        return [*shape[:new], *(t if d == 1 else d for d, t in zip(specs[0].shape, shape[new:], strict=True))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        x, _, x_shape, y_shape = ends(node)
        new = len(y_shape) - len(x_shape)
        axes = [a for a, d in enumerate(y_shape) if a < new or (x_shape[a - new] == 1 and d != 1)]
        dy = emit("sum", [dys[0]], axes=tuple(axes), keepdims=False) if axes else dys[0]
        return [reshape(dy, x.shape)]

    def lower(self, node: Node) -> list[Call]:
        x, y, x_shape, y_shape = ends(node)
        strides = [0 if d == 1 else s for d, s in zip(x_shape, strides_of(x_shape), strict=True)]
        return calls(x, y, Grid(y_shape, [0] * (len(y_shape) - len(x_shape)) + strides, strides_of(y_shape)))


def reshape(x: Value, newshape: Sequence[Dim] | int) -> Value:
    """The same numbers in the same order under another shape; nothing is copied.

    One size may be -1: it follows from the others.  Names of sizes that are not known yet pass through.

    Raises:
        ShapeError: if the shapes do not hold equally many numbers.

    Example:
        >>> from edgenet.graph import Graph
        >>> reshape(Graph().input(("batch", 7, 7, 64)), ("batch", -1))
        %reshape: float32[batch, 3136]
    """
    shape = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    with contextlib.suppress(ShapeError):  # of which the op says more
        shape = resolve(x.shape, shape)
    return one("reshape", [x], shape=tuple(shape))


def transpose(x: Value, axes: Sequence[int] | None = None) -> Value:
    """Reorder axes: axis i of the result is axis axes[i] of x; by default all are turned around.

    Raises:
        ShapeError: if `axes` is no order of the axes of x.

    Example:
        >>> from edgenet.graph import Graph
        >>> transpose(Graph().input((1, 3, 8, 9)), (0, 2, 3, 1))
        %transpose: float32[1, 8, 9, 3]
    """
    rank = symbolic("transpose", x).spec.rank
    order = range(rank)[::-1] if axes is None else [a + rank if a < 0 else a for a in axes]
    return one("transpose", [x], perm=tuple(order))


def depth_to_space(x: Value, block: int, mode: str = "DCR") -> Value:
    """(n, h, w, block²·co) to (n, h·block, w·block, co): each run of channels becomes a square of pixels.

    Channel (i·block + j)·co + k of x goes to pixel (i, j) of the square and channel k (mode DCR: depth, column, row),
    or channel k·block² + i·block + j does (mode CRD).

    Raises:
        ShapeError: if the channels are no multiple of block².

    Source: the ONNX operator DepthToSpace, there on NCHW.

    Example:
        >>> from edgenet.graph import Graph
        >>> depth_to_space(Graph().input((1, 4, 4, 12)), 2)
        %depth_to_space: float32[1, 8, 8, 3]
    """
    return one("depth_to_space", [x], block=int(block), mode=mode)


def space_to_depth(x: Value, block: int, mode: str = "DCR") -> Value:
    """(n, h·block, w·block, c) to (n, h, w, block²·c): the inverse of `depth_to_space`.

    Raises:
        ShapeError: if h or w is no multiple of block.

    Example:
        >>> from edgenet.graph import Graph
        >>> space_to_depth(Graph().input((1, 8, 8, 3)), 2)
        %space_to_depth: float32[1, 4, 4, 12]
    """
    return one("space_to_depth", [x], block=int(block), mode=mode)


def broadcast_to(x: Value, shape: Sequence[Dim]) -> Value:
    """Repeat x along axes of size 1, and along new axes in front, until it has this shape (NumPy's rules).

    Raises:
        ShapeError: if x has an axis of another size than 1 or the one wanted.

    Example:
        >>> from edgenet.graph import Graph
        >>> broadcast_to(Graph().input((8, 1, 3)), (2, 8, 8, 3))
        %broadcast_to: float32[2, 8, 8, 3]
    """
    return one("broadcast_to", [x], shape=tuple(shape))
