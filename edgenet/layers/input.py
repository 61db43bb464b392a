"""The start of a model, as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Value

from .layer import Layer
from .tensor import Input, SymbolicTensor


class InputLayer(Layer):
    """What an `Input` is, for a `Sequential` that begins with a layer; ``output`` is that Input.

    Args:
        shape: sizes without the batch, e.g. ``(28, 28, 1)``.
        batch_size: accepted as in Keras; programs are made for whatever batch comes.
        dtype: ``"float32"`` (default) or ``"int32"``.
        sparse: None or False.
        batch_shape: sizes with the batch, instead of `shape` and `batch_size`.
        name: name of the layer.
        kwargs: ``input_shape``, as older Keras code calls `shape`.

    Raises:
        ValueError: if the shape is missing or holds sizes below 1.

    >>> InputLayer((28, 28, 1), name="picture").output.shape
    (None, 28, 28, 1)
    """

    def __init__(
        self, shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None,
        sparse: bool | None = None, batch_shape: Sequence[int | None] | None = None, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        if shape is None and batch_shape is None:
            shape = self.input_shape_hint
        self._tensor = Input(shape, batch_size, dtype, sparse, batch_shape, self.name)
        self.input_shape_hint = tuple(d for d in self._tensor.shape[1:] if d is not None)
        self.shape, self.batch_size, self.dtype = self.input_shape_hint, self._tensor.shape[0], self._tensor.dtype
        self.sparse, self.batch_shape = sparse, None

    @property
    def output(self) -> SymbolicTensor:
        """The Input."""
        return self._tensor

    def call(self, x: Value) -> Value:
        """Emit nothing."""
        return x

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        return {**config, "dtype": self.dtype}
