"""What layers are called on while a model is put together: shapes that remember where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenet.graph.foreign import Foreign

if TYPE_CHECKING:
    from .layer import Layer

Shape = tuple[int | None, ...]
#: operators whose results are no truth values yet
COMPARISONS = ("greater", "greater_equal", "less", "less_equal")


class Operators(Foreign):
    """``+ - * / ** @``, comparisons and indexing of symbolic tensors, each of which becomes a layer."""

    __iter__ = None  # else Python would ask for x[0], x[1], … without end

    def _apply(self, function: str, *others: Any, swap: bool = False) -> Any:
        from .operation import apply

        return apply(function, self, *others, swap=swap)

    def __add__(self, other: Any) -> Any:
        return self._apply("add", other)

    def __radd__(self, other: Any) -> Any:
        return self._apply("add", other, swap=True)

    def __sub__(self, other: Any) -> Any:
        return self._apply("subtract", other)

    def __rsub__(self, other: Any) -> Any:
        return self._apply("subtract", other, swap=True)

    def __mul__(self, other: Any) -> Any:
        return self._apply("multiply", other)

    def __rmul__(self, other: Any) -> Any:
        return self._apply("multiply", other, swap=True)

    def __truediv__(self, other: Any) -> Any:
        return self._apply("divide", other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._apply("divide", other, swap=True)

    def __pow__(self, other: Any) -> Any:
        return self._apply("power", other)

    def __rpow__(self, other: Any) -> Any:
        return self._apply("power", other, swap=True)

    def __matmul__(self, other: Any) -> Any:
        return self._apply("matmul", other)

    def __gt__(self, other: Any) -> Any:
        return self._apply("greater", other)

    def __ge__(self, other: Any) -> Any:
        return self._apply("greater_equal", other)

    def __lt__(self, other: Any) -> Any:
        return self._apply("less", other)

    def __le__(self, other: Any) -> Any:
        return self._apply("less_equal", other)

    def __neg__(self) -> Any:
        return self._apply("negative")

    def __abs__(self) -> Any:
        return self._apply("absolute")

    def __getitem__(self, key: Any) -> Any:
        return self._apply("get_item", key)


class SymbolicTensor(Operators):
    """The output of a layer in a model that is being put together.  Its batch size is None."""

    def __init__(self, shape: Shape, dtype: str = "float32", source: Connection | None = None, index: int = 0) -> None:
        self.shape = shape
        self.dtype = dtype
        self.source = source
        """the layer call that made it; None for an Input"""
        self.index = index
        self.name = ""

    @property
    def ndim(self) -> int:
        """Number of axes, the batch included."""
        return len(self.shape)

    def __bool__(self) -> bool:
        """True, as of any object; but the result of a comparison refuses, as a value in a graph does."""
        if self.source is not None and getattr(self.source.layer, "function", None) in COMPARISONS:
            raise TypeError(
                f"{self!r} is symbolic: its numbers are not known while the model is put together, so `if`, `and`, "
                "`or` and `not` cannot ask for them; use edgenet.ops.where in edgenet.layers.Lambda"
            )
        return True

    def __repr__(self) -> str:
        maker = self.source.layer.name if self.source else "Input"
        return f"<SymbolicTensor {self.dtype}{list(self.shape)} of {maker}>"


@dataclass(eq=False)
class Connection:
    """One call of a layer."""

    layer: Layer
    inputs: list[SymbolicTensor]
    outputs: list[SymbolicTensor]
    nested: bool
    """whether the layer was called on a list"""
    training: bool | None = None
    """what the call said; None: as the model runs"""


def Input(
    shape: Sequence[int | None] | int | None = None, batch_size: int | None = None, dtype: Any = None,
    sparse: bool | None = None, batch_shape: Sequence[int | None] | None = None, name: str | None = None,
) -> SymbolicTensor:  # fmt: skip
    """The start of a functional model.

    Args:
        shape: sizes without the batch, e.g. ``(28, 28, 1)``.
        batch_size: accepted as in Keras; programs are made for whatever batch comes.
        dtype: ``"float32"`` (default) or ``"int32"``.
        sparse: None or False.
        batch_shape: sizes with the batch, instead of `shape` and `batch_size`.
        name: name of the input.

    Raises:
        ValueError: if `shape` is missing or holds sizes below 1, or the dtype is another one.

    >>> Input((28, 28, 1)).shape, Input(batch_shape=(None, 4)).shape
    ((None, 28, 28, 1), (None, 4))
    """
    if batch_shape is not None:
        if shape is not None or not len(batch_shape):
            raise ValueError(f"Input: give shape or batch_shape, got shape={shape} and batch_shape={batch_shape}")
        batch_size, *sizes = batch_shape
    else:
        sizes = [shape] if isinstance(shape, int) else [*shape] if shape is not None else [None]
    if len(sizes) > 1 and sizes[0] is None and None not in sizes[1:]:
        raise ValueError(f"Input: the shape is without the batch, got {tuple(sizes)}: write Input({tuple(sizes[1:])})")
    if None in sizes and sizes != [None]:
        raise ValueError(
            f"Input: programs are made for known sizes, only the batch may be open; got {tuple(sizes)}: give numbers, "
            "e.g. (224, 224, 3), and bring images to that size"
        )
    if any(isinstance(d, bool) or not isinstance(d, int | np.integer) or d < 1 for d in sizes):
        raise ValueError(f"Input: expected a shape of positive sizes without the batch, e.g. (28, 28, 1), got {shape}")
    if sparse:
        raise ValueError("Input: sparse inputs are not supported")
    if isinstance(dtype, int) and isinstance(shape, int) and isinstance(batch_size, int):
        raise ValueError(f"Input: the shape is one tuple: write Input({(shape, batch_size, dtype)})")
    kind = str(np.dtype("float32" if dtype is None else dtype))
    if kind not in ("float32", "int32"):
        raise ValueError(f"Input: dtype must be 'float32' or 'int32', got {dtype!r}")
    tensor = SymbolicTensor((batch_size, *(int(d) for d in sizes)), kind)  # type: ignore[arg-type]
    tensor.name = name or "input"
    return tensor


def unwrap(tensors: Any) -> tuple[list[Any], bool]:
    """A list of tensors (or of values of a graph), and whether it was one."""
    if isinstance(tensors, list | tuple):
        return list(tensors), True
    return [tensors], False
