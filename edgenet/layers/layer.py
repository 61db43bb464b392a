"""The base of all layers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet import initializers
from edgenet.graph import Graph, ShapeError, Value, Variable

from .tensor import Connection, Shape, SymbolicTensor, unwrap

_counts: dict[str, int] = {}


def default_name(kind: str) -> str:
    """A name as Keras gives: ``conv2d``, ``conv2d_1``, …

    >>> reset_names(); default_name("MaxPooling2D"), default_name("MaxPooling2D"), default_name("DepthwiseConv2D")
    ('max_pooling2d', 'max_pooling2d_1', 'depthwise_conv2d')
    """
    base = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    count = _counts.get(base, 0)
    _counts[base] = count + 1
    return f"{base}_{count}" if count else base


def reset_names() -> None:
    """Start counting layer names anew."""
    _counts.clear()


class Layer:
    """A named piece of a model with weights.

    A layer of one's own overrides ``build``, which makes the weights once the input's shape is known, and ``call``, which
    emits ops of `edgenet.ops` on symbolic values; gradients and export follow from those ops.

    >>> from edgenet import ops
    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight((input_shape[-1],), initializer="ones", name="factor")
    ...     def call(self, x):
    ...         return x * self.value(x, self.factor)
    """

    def __init__(self, *, name: str | None = None, trainable: bool = True, dtype: str | None = None) -> None:
        if dtype not in (None, "float32"):
            raise ValueError(f"{type(self).__name__}: weights and results are float32, got dtype={dtype!r}")
        self.name = name or default_name(type(self).__name__)
        self.trainable = trainable
        self.built = False
        self.weights: list[Variable] = []
        self.connections: list[Connection] = []
        self._takes_training = "training" in inspect.signature(self.call).parameters

    # what a layer overrides ------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights.  `input_shape` is a tuple whose batch is None, or a list of them for several inputs."""

    def call(self, x: Any) -> Any:
        """Emit the layer's ops on the value(s) `x`; may take ``training``."""
        raise NotImplementedError(f"{type(self).__name__}.call")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {"name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer of a config."""
        return cls(**config)

    # weights ---------------------------------------------------------------------------------------------------------

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = "glorot_uniform", trainable: bool = True,
        name: str = "weight", regularizer: Any = None, constraint: Any = None,
    ) -> Variable:  # fmt: skip
        """Make a weight.  `initializer` is a name or a callable of a shape."""
        array = np.asarray(initializers.get(initializer)(tuple(shape)), np.float32)
        variable = Variable(array, f"{self.name}/{name}", trainable)
        variable.regularizer, variable.constraint = regularizer, constraint  # type: ignore[attr-defined]
        self.weights.append(variable)
        return variable

    @staticmethod
    def value(x: Any, variable: Variable) -> Value:
        """The value of a variable in the graph of `x` (a value or a list of them)."""
        first = x[0] if isinstance(x, list | tuple) else x
        value: Value = first.graph.variable(variable)
        return value

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [w for w in self.weights if w.trainable and self.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return [w for w in self.weights if not (w.trainable and self.trainable)]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Replace all weights.  Raises ValueError unless number and shapes agree."""
        if len(weights) != len(self.weights):
            raise ValueError(f"{self.name} has {len(self.weights)} weights, got {len(weights)} arrays")
        for variable, array in zip(self.weights, weights, strict=True):
            if np.shape(array) != variable.shape:
                raise ShapeError(f"{variable.name} has shape {variable.shape}, got an array of shape {np.shape(array)}")
        for variable, array in zip(self.weights, weights, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Number of weights."""
        return sum(w.array.size for w in self.weights)

    # calls -----------------------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        """On symbolic tensors: connect the layer.  On values of a graph: emit its ops."""
        tensors, nested = unwrap(inputs)
        if tensors and all(isinstance(t, SymbolicTensor) for t in tensors):
            return self._connect(tensors, nested)
        if tensors and all(isinstance(t, Value) for t in tensors):
            self._ensure_built([_unbatched(t) for t in tensors], nested)
            return self._emit(inputs, training)
        raise TypeError(
            f"{self.name} was called on {', '.join(type(t).__name__ for t in tensors)}: expected the result of "
            f"edgenet.Input or of another layer; to compute on arrays, use Model.predict"
        )

    def _emit(self, inputs: Any, training: bool) -> Any:
        try:
            return self.call(inputs, training=training) if self._takes_training else self.call(inputs)  # type: ignore[call-arg]
        except ShapeError as error:
            text = str(error)
            raise ShapeError(text if text.startswith("layer ") else f"layer {self.name}: {text}") from None

    def _ensure_built(self, shapes: list[Shape], nested: bool) -> None:
        if not self.built:
            self.build(shapes if nested else shapes[0])
            self.built = True

    def _connect(self, tensors: list[SymbolicTensor], nested: bool) -> Any:
        self._ensure_built([t.shape for t in tensors], nested)
        graph = Graph(self.name)
        values = [graph.input(("batch", *t.shape[1:]), t.dtype) for t in tensors]  # type: ignore[list-item]
        results, many = unwrap(self._emit(values if nested else values[0], training=False))
        outputs = [SymbolicTensor(_unbatched(v), v.dtype) for v in results]
        connection = Connection(self, tensors, outputs, nested)
        for i, tensor in enumerate(outputs):
            tensor.source, tensor.index = connection, i
        self.connections.append(connection)
        return outputs if many else outputs[0]

    @property
    def output(self) -> SymbolicTensor:
        """The result of the layer's only call."""
        return self._only().outputs[0]

    @property
    def input(self) -> SymbolicTensor:
        """The input of the layer's only call."""
        return self._only().inputs[0]

    def _only(self) -> Connection:
        if len(self.connections) != 1:
            raise AttributeError(f"{self.name} is connected {len(self.connections)} times: no single input or output")
        return self.connections[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _unbatched(value: Any) -> Shape:
    """The shape of a graph's value as layers see it: the batch is None."""
    return (None, *value.shape[1:])
