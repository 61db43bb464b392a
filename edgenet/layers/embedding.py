"""Numbers of words, or of other things, as vectors that are learned."""

from __future__ import annotations

from typing import Any

from edgenet import constraints, initializers, ops, regularizers
from edgenet.graph import Value

from .arguments import integer
from .layer import Layer


class Embedding(Layer):
    """y[n, …, :] = embeddings[x[n, …], :].

    Shapes: (batch, …) of whole numbers → (batch, …, output_dim); embeddings (input_dim, output_dim).  A number outside
    of [0, input_dim) gives NaN.

    Args:
        input_dim: how many different numbers there are.
        output_dim: length of the vectors.
        embeddings_initializer: first value of the embeddings.
        embeddings_regularizer: penalty on the embeddings, added to the loss.
        embeddings_constraint: what the embeddings are kept to.
        mask_zero: False.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape``, or ``input_length`` as in older Keras code, in a
            first layer.

    Raises:
        ValueError: for arguments out of range, or that are not supported.
        ShapeError: when called on other numbers than float32 or int32.

    ONNX: Gather.

    >>> from edgenet import Input
    >>> Embedding(1000, 16)(Input((12,), dtype="int32")).shape
    (None, 12, 16)
    """

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None, embeddings_constraint: Any = None, mask_zero: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        length = kwargs.pop("input_length", None)
        if length is not None:
            kwargs["input_shape"] = (length,)
        super().__init__(**kwargs)
        self.input_dim = integer("Embedding", "input_dim", input_dim)
        self.output_dim = integer("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        if mask_zero:
            raise ValueError("Embedding: mask_zero=True is not supported: there are no masks")
        self.mask_zero = False

    def build(self, input_shape: Any) -> None:
        """Make the embeddings."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint, name="embeddings",
        )  # fmt: skip

    def call(self, x: Value) -> Value:
        """Emit gather."""
        return ops.gather(self.value(x, self.embeddings), x)
