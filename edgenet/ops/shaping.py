"""Axes added, removed, joined and parted, in the words of `keras.ops`; all of it is reshape, slice and concat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Dim, ShapeError, Value, emit
from edgenet.graph.op import symbolic

from .gather import gather
from .join import concat
from .movement import broadcast_to, reshape, transpose
from .reduce import reduced_axes


def expand_dims(x: Value, axis: int | Sequence[int]) -> Value:
    """x with an axis of size 1 at place `axis` (or places) of the result.

    >>> from edgenet.graph import Graph
    >>> expand_dims(Graph().input(("batch", 8)), 1)
    %reshape: float32[batch, 1, 8]
    """
    symbolic("expand_dims", x)
    count = 1 if isinstance(axis, int) else len(tuple(axis))
    new = reduced_axes(axis, x.ndim + count)
    if len(new) != count:
        raise ShapeError(f"expand_dims: expected {count} different axes, got {axis}")
    rest = iter(x.shape)
    return reshape(x, [1 if i in new else next(rest) for i in range(x.ndim + count)])


def squeeze(x: Value, axis: int | Sequence[int] | None = None) -> Value:
    """x without its axes of size 1, or without those of `axis`.  Raises ShapeError where one has another size."""
    symbolic("squeeze", x)
    gone = [i for i, d in enumerate(x.shape) if d == 1] if axis is None else reduced_axes(axis, x.ndim)
    wrong = [i for i in gone if x.shape[i] != 1]
    if wrong:
        raise ShapeError(f"squeeze: only axes of size 1 can go, got axis {wrong[0]} of shape {x.shape}")
    return reshape(x, [d for i, d in enumerate(x.shape) if i not in gone])


def concatenate(xs: Sequence[Any], axis: int = 0) -> Value:
    """Values one behind the other along an axis.  Raises ShapeError where they differ in another one."""
    return concat(xs, axis)


def stack(x: Sequence[Any], axis: int = 0) -> Value:
    """Values of one shape, side by side along a new axis.

    >>> from edgenet.graph import Graph
    >>> a = Graph().input(("batch", 8))
    >>> stack([a, a, a], axis=-1)
    %concat: float32[batch, 8, 3]
    """
    return concat([expand_dims(v, axis) for v in x], axis)


def split(x: Value, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Value]:
    """x in equally many entries along an axis, or cut in front of given entries.

    Raises:
        ShapeError: if the size of the axis is no multiple of the number of sections, or is not known.

    >>> from edgenet.graph import Graph
    >>> [part.shape for part in split(Graph().input(("batch", 9)), [2, 5], axis=1)]
    [('batch', 2), ('batch', 3), ('batch', 4)]
    """
    (at,) = reduced_axes(axis, x.ndim)
    size = x.shape[at]
    if isinstance(indices_or_sections, int):
        parts = indices_or_sections
        if not isinstance(size, int) or parts < 1 or size % parts:
            raise ShapeError(f"split: axis {axis} of {x!r} cannot be cut into {parts} equal parts")
        edges = [size // parts * i for i in range(1, parts)]
    else:
        edges = [int(i) for i in indices_or_sections]
    before: tuple[slice, ...] = (slice(None),) * at
    ends: list[int | None] = [*edges, None]
    return [x[(*before, slice(first, last))] for first, last in zip([0, *edges], ends, strict=True)]


def moveaxis(x: Value, source: int | Sequence[int], destination: int | Sequence[int]) -> Value:
    """x with the axes of `source` at the places of `destination`, the others in their order."""
    sources, targets = ([v] if isinstance(v, int) else list(v) for v in (source, destination))
    if len(sources) != len(targets):
        raise ShapeError(f"moveaxis: expected as many sources as destinations, got {source} and {destination}")
    taken = [reduced_axes(a, x.ndim)[0] for a in sources]
    order = [a for a in range(x.ndim) if a not in taken]
    for place, a in sorted((reduced_axes(t, x.ndim)[0], a) for t, a in zip(targets, taken, strict=True)):
        order.insert(place, a)
    return transpose(x, order)


def swapaxes(x: Value, axis1: int, axis2: int) -> Value:
    """x with two axes exchanged."""
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(x, order)


def ravel(x: Value) -> Value:
    """x with a single axis."""
    return reshape(x, (-1,))


def flip(x: Value, axis: int | Sequence[int] | None = None) -> Value:
    """x turned around along an axis, axes, or (None) all of them, whose sizes are known and not large.

    >>> from edgenet.graph import Graph
    >>> flip(Graph().input(("batch", 8)), axis=1)
    %concat: float32[batch, 8]
    """
    for a in reduced_axes(axis, x.ndim):
        size = x.shape[a]
        if not isinstance(size, int):
            raise ShapeError(f"flip: the size of axis {a} of {x!r} must be known")
        x = take(x, range(size - 1, -1, -1), a)
    return x


def repeat(x: Value, repeats: int, axis: int | None = None) -> Value:
    """x with each entry along an axis (None: of x flattened) repeated."""
    if axis is None:
        x, axis = ravel(x), 0
    (at,) = reduced_axes(axis, x.ndim)
    wide: list[Dim] = [*x.shape[: at + 1], repeats, *x.shape[at + 1 :]]
    size = x.shape[at]
    if not isinstance(size, int):
        raise ShapeError(f"repeat: the size of axis {axis} of {x!r} must be known")
    spread = broadcast_to(expand_dims(x, at + 1), wide)
    return reshape(spread, [*x.shape[:at], size * repeats, *x.shape[at + 1 :]])


def take(x: Value, indices: Any, axis: int | None = None) -> Value:
    """Entries of x by their numbers along an axis (None: of x flattened).

    Args:
        x: a value.
        indices: integers, for any axis; or a symbolic value, for axis 0 of an x of known shape.
        axis: which one.

    Raises:
        IndexError: for an integer outside of the axis.
        ShapeError: for symbolic indices along another axis: bring it to the front with `moveaxis`.

    >>> from edgenet.graph import Graph
    >>> x = Graph().input(("batch", 8))
    >>> take(x, [0, 3, -1], axis=1).shape, take(x, 2, axis=1).shape
    (('batch', 3), ('batch',))
    """
    if axis is None:
        x, axis = ravel(x), 0
    (at,) = reduced_axes(axis, x.ndim)
    if isinstance(indices, Value):
        if at:
            raise ShapeError(f"take: symbolic indices go along axis 0, got axis={axis}; moveaxis brings it there")
        return gather(x, indices)
    numbers = np.asarray(indices)
    if numbers.dtype.kind not in "iu" or numbers.ndim > 1:
        raise TypeError(f"take: expected an integer or a list of them, got {indices!r}")
    before, size = (slice(None),) * at, x.shape[at]
    if not isinstance(size, int):
        raise ShapeError(f"take: the size of axis {axis} of {x!r} must be known")
    wrong = [i for i in numbers.ravel().tolist() if not -size <= i < size]
    if wrong:
        raise IndexError(f"take: index {wrong[0]} is out of bounds for axis {axis} of {x!r}")
    parts = [x[(*before, slice(i % size, i % size + 1))] for i in numbers.ravel().tolist()]
    y = concat(parts, at) if len(parts) != 1 else parts[0]
    return y if numbers.ndim else squeeze(y, at)


def full_like(x: Value, fill_value: float) -> Value:
    """The number `fill_value` in the shape of x."""
    y: Value = emit("clip", [emit("greater", [x, np.float32(np.inf)])], low=float(fill_value), high=float(fill_value))
    return y


def zeros_like(x: Value) -> Value:
    """Zeros in the shape of x."""
    return full_like(x, 0.0)


def ones_like(x: Value) -> Value:
    """Ones in the shape of x."""
    return full_like(x, 1.0)


def shape(x: Value) -> tuple[Dim, ...]:
    """The sizes of x; one that is not known yet is a name."""
    return x.shape


def ndim(x: Value) -> int:
    """The number of axes of x."""
    return x.ndim
