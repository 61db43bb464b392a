"""The operators of symbolic values: ``+ - * / ** @``, comparisons, and NumPy's basic indexing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .foreign import Foreign
from .spec import Dim

if TYPE_CHECKING:
    from .graph import Value


class Arithmetic(Foreign):
    """What a `Value` does between operators.

    Comparisons give 1.0 and 0.0.  ``==`` and ``!=`` ask whether two names mean the same value, as for any object:
    numbers are compared by `edgenet.ops.equal` and `edgenet.ops.not_equal`.

    >>> from edgenet.graph import Graph
    >>> x = Graph().input(("batch", 8, 3))
    >>> (2 - x) ** 2 / 3, x > 0.5
    (%div: float32[batch, 8, 3], %greater: float32[batch, 8, 3])
    >>> x[:, 1:, 0].shape, x[..., None, ::2].shape
    (('batch', 7), ('batch', 8, 1, 2))
    """

    __iter__ = None  # else Python would ask for x[0], x[1], … without end
    __contains__ = None

    def _emit(self, op: str, *others: Any, swap: bool = False, **attrs: Any) -> Value:
        from .op import emit

        values = [self, *others]
        return cast("Value", emit(op, values[::-1] if swap else values, **attrs))

    def __add__(self, other: Any) -> Value:
        return self._emit("add", other)

    def __radd__(self, other: Any) -> Value:
        return self._emit("add", other, swap=True)

    def __sub__(self, other: Any) -> Value:
        return self._emit("sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._emit("sub", other, swap=True)

    def __mul__(self, other: Any) -> Value:
        return self._emit("mul", other)

    def __rmul__(self, other: Any) -> Value:
        return self._emit("mul", other, swap=True)

    def __truediv__(self, other: Any) -> Value:
        return self._emit("div", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._emit("div", other, swap=True)

    def __neg__(self) -> Value:
        return self._emit("mul", np.float32(-1))

    def __abs__(self) -> Value:
        return self._emit("abs")

    def __pow__(self, exponent: Any) -> Value:
        known = float(exponent) if isinstance(exponent, int | float | np.number) else None
        if known == 1:
            return cast("Value", self)
        if known in (2, 0.5):
            return self._emit("square" if known == 2 else "sqrt")
        if known == -1:
            return 1.0 / cast("Value", self)
        return self._emit("power", exponent)

    def __rpow__(self, base: Any) -> Value:
        return self._emit("power", base, swap=True)

    def __matmul__(self, other: Any) -> Value:
        return product(cast("Value", self), other)

    def __rmatmul__(self, other: Any) -> Value:
        return product(cast("Value", self).graph.constant(other), cast("Value", self))

    def __gt__(self, other: Any) -> Value:
        return self._emit("greater", other)

    def __ge__(self, other: Any) -> Value:
        return self._emit("greater_equal", other)

    def __lt__(self, other: Any) -> Value:
        return self._emit("greater", other, swap=True)

    def __le__(self, other: Any) -> Value:
        return self._emit("greater_equal", other, swap=True)

    def __getitem__(self, key: Any) -> Value:
        return indexed(cast("Value", self), key)

    def __bool__(self) -> bool:
        """True, as of any object; but the result of a comparison, which somebody asks for its number, refuses."""
        node = cast("Value", self).node
        if node is not None and node.op in ("equal", "greater", "greater_equal"):
            raise TypeError(
                f"{self!r} is symbolic: its numbers are not known while the graph is written, so `if`, `and`, `or` and "
                "`not` cannot ask for them; use edgenet.ops.where(condition, x1, x2), logical_and, logical_or, "
                "logical_not"
            )
        return True


def product(x: Value, w: Any) -> Value:
    """x[…, m, k] · w[…, k, n]; vectors are what `edgenet.ops.matmul` takes too."""
    from .op import emit

    if x.spec.rank == np.ndim(w) == 2 or (x.spec.rank == 2 and len(getattr(w, "shape", ())) == 2):
        y = emit("dense", [x, w, None, None], transpose_x=False, transpose_w=False, activation=None)
    else:
        y = emit("matmul", [x, w], transpose_a=False, transpose_b=False)
    return cast("Value", y)


def indexed(x: Value, key: Any) -> Value:
    """x[key] with integers, slices with steps of at least 1, ``...`` and ``None``, by NumPy's rules.

    Raises:
        IndexError: for more indices than axes, or an integer outside of its axis.
        TypeError: for an index of another kind.
        ShapeError: where an axis is cut whose size is not known.
    """
    from .op import emit

    keys = list(key) if isinstance(key, tuple) else [key]
    taken = sum(k is not None and k is not Ellipsis for k in keys)
    if taken > x.spec.rank:
        raise IndexError(f"too many indices: {taken} for {x!r} of {x.spec.rank} axes")
    if sum(k is Ellipsis for k in keys) > 1:
        raise IndexError("an index can only have a single ellipsis (...)")
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (x.spec.rank - taken)

    cuts: list[slice] = []
    kept: list[int | None] = []  # axes of the result: those of x, and None for a new one
    for k in keys:
        axis = len(cuts)
        if k is None:
            kept.append(None)
        elif isinstance(k, slice):
            cuts.append(_checked(k, x))
            kept.append(axis)
        else:
            i = _position(k, x, axis)
            cuts.append(slice(i, i + 1 if i != -1 else None))
    y = x
    if any((c.start or 0, c.stop, c.step or 1) != (0, None, 1) for c in cuts):
        starts, stops, steps = zip(*((c.start, c.stop, c.step or 1) for c in cuts), strict=True)
        y = emit("slice", [x], starts=starts, stops=stops, steps=steps)
    if kept == list(range(x.spec.rank)):
        return y
    shape: list[Dim] = [1 if axis is None else y.shape[axis] for axis in kept]
    return cast("Value", emit("reshape", [y], shape=tuple(shape)))


def _checked(k: slice, x: Value) -> slice:
    parts = [k.start, k.stop, k.step]
    if any(p is not None and not _is_integer(p) for p in parts):
        raise TypeError(f"{x!r}: the parts of a slice are integers, got {k}")
    start, stop, step = (None if p is None else int(p) for p in parts)
    if step is not None and step < 1:
        raise IndexError(f"{x!r}: steps of a slice are 1 or more, got {k}; edgenet.ops.flip turns an axis around")
    return slice(start, stop, step)


def _position(k: Any, x: Value, axis: int) -> int:
    if not _is_integer(k):
        raise TypeError(
            f"{x!r}: an index is an integer, a slice, ... or None, got {type(k).__name__}; entries by a list of "
            "numbers are edgenet.ops.take(x, indices, axis), entries by a condition edgenet.ops.where"
        )
    size = x.shape[axis]
    if isinstance(size, int) and not -size <= k < size:
        raise IndexError(f"index {k} is out of bounds for axis {axis} of {x!r}")
    return int(k)


def _is_integer(k: Any) -> bool:
    return isinstance(k, int | np.integer) and not isinstance(k, bool)
