"""A function as a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgenet import activations

from .layer import Layer


class Lambda(Layer):
    """y = function(x), a function of symbolic values that is written with `edgenet.ops`.

    A model that is to be saved needs a function with a name (``def``); loading it needs
    ``custom_objects={name: function}``.

    Args:
        function: takes a symbolic value, or a list of them, and `arguments`.
        output_shape: accepted as in Keras; it follows from the function.
        mask: None.
        arguments: more keyword arguments of the function.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        TypeError: unless `function` can be called.
        ValueError: for a name that is not known.

    ONNX: what the function is made of.

    >>> from edgenet import Input, ops
    >>> Lambda(lambda x: ops.sqrt(ops.sum(x * x, (1,))))(Input((8,))).shape
    (None,)
    """

    def __init__(
        self, function: Callable[..., Any] | str, output_shape: Any = None, mask: Any = None,
        arguments: dict[str, Any] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if mask is not None:
            raise ValueError("Lambda: mask is not supported: there are no masks")
        self.function: Callable[..., Any] = activations.get(function)
        self.output_shape = output_shape if not callable(output_shape) else None  # for the config
        self.mask = None
        self.arguments = dict(arguments or {})

    def call(self, x: Any) -> Any:
        """Emit what the function emits."""
        return self.function(x, **self.arguments)
