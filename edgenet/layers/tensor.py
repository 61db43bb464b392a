"""What layers are called on while a model is put together: shapes that remember where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .layer import Layer

Shape = tuple[int | None, ...]


class SymbolicTensor:
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


def Input(
    shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: str | None = None,
    name: str | None = None,
) -> SymbolicTensor:  # fmt: skip
    """The start of a functional model.

    Args:
        shape: sizes without the batch, e.g. ``(28, 28, 1)``.
        batch_size: accepted as in Keras; programs are made for whatever batch comes.
        dtype: ``"float32"`` (default) or ``"int32"``.
        name: name of the input.

    Raises:
        ValueError: if `shape` is missing or holds sizes below 1.

    >>> Input((28, 28, 1)).shape
    (None, 28, 28, 1)
    """
    if shape is None or any(not isinstance(d, int) or d < 1 for d in shape):
        raise ValueError(f"Input: expected a shape of positive sizes without the batch, e.g. (28, 28, 1), got {shape}")
    tensor = SymbolicTensor((batch_size, *shape), dtype or "float32")
    tensor.name = name or "input"
    return tensor


def unwrap(tensors: Any) -> tuple[list[SymbolicTensor], bool]:
    """A list of tensors, and whether it was one."""
    if isinstance(tensors, list | tuple):
        return list(tensors), True
    return [tensors], False
