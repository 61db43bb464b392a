"""The base of all layers."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgenet import constraints, initializers, ops, regularizers
from edgenet.graph import Graph, ShapeError, Value, Variable, headroom
from edgenet.initializers.initializer import SeededInitializer

from .arguments import legacy_input_shape, well_spelled
from .config import constructor_arguments, revived
from .tensor import Connection, Shape, SymbolicTensor, unwrap

_counts: dict[str, int] = {}
#: whether the call that is under way is one of training, for the layers inside of layers
_training: ContextVar[bool] = ContextVar("training", default=False)


def default_name(kind: str) -> str:
    """A name as Keras gives: ``conv2d``, then ``conv2d_1``.

    >>> reset_names(); default_name("MaxPooling2D"), default_name("MaxPooling2D"), default_name("LeakyReLU")
    ('max_pooling2d', 'max_pooling2d_1', 'leaky_re_lu')
    """
    base = re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    count = _counts.get(base, 0)
    _counts[base] = count + 1
    return f"{base}_{count}" if count else base


def reset_names() -> None:
    """Start counting layer names anew."""
    _counts.clear()


class _ShapeOf:
    """The shape of what an attribute of a connected layer holds; a layer of one's own may set an attribute instead."""

    def __init__(self, end: str) -> None:
        self.end = end

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None:
            return self
        ends = getattr(layer, self.end)
        return [t.shape for t in ends] if isinstance(ends, list) else ends.shape


class Layer:
    """A named piece of a model with weights.

    A layer of one's own overrides ``build``, which makes the weights once the input's shape is known, and ``call``,
    which emits ops of `edgenet.ops` on symbolic values; gradients and export follow from those ops.  Layers kept as
    attributes (or in lists and dictionaries that are attributes) are parts of it: their weights are its weights.

    Args:
        name: by default that of the class with a number.
        trainable: whether training changes the weights.
        dtype: None or ``"float32"``.
        legacy: ``input_shape=`` or ``input_dim=``, from which a `Sequential` knows its input.

    Raises:
        TypeError: for an argument that does not exist.

    >>> from edgenet import ops
    >>> from edgenet.layers import Dense, Input
    >>> class Scaled(Layer):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units, self.dense = units, Dense(units)
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight((self.units,), initializer="ones", name="factor")
    ...     def call(self, x):
    ...         return self.dense(x) * self.value(x, self.factor)
    >>> layer = Scaled(3, name="scaled")
    >>> layer(Input((4,))).shape, layer.count_params(), layer.get_config()
    ((None, 3), 18, {'name': 'scaled', 'trainable': True, 'units': 3})
    """

    #: names of older code for arguments of the constructor
    former: ClassVar[Mapping[str, str]] = {}
    activity_regularizer: Any = None
    """penalty on the result, divided by the batch, added to the loss"""

    def __init__(self, *, name: Any = None, trainable: bool = True, dtype: Any = None, **legacy: Any) -> None:
        kind = type(self).__name__
        if dtype is not None and np.dtype(dtype) != np.float32:
            raise ValueError(f"{kind}: weights and results are float32, got dtype={dtype!r}")
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(f"{kind}: expected a name without '/', got {name!r}")
        self.input_shape_hint = legacy_input_shape(type(self), legacy)
        """shape without the batch that ``input_shape=`` or ``input_dim=`` gave, else None"""
        self.name: str = name or default_name(kind)
        self.built = False
        self._weights: list[Variable] = []
        self.connections: list[Connection] = []
        self.trainable = trainable
        self._takes_training = "training" in inspect.signature(self.call).parameters

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = well_spelled(cls.__init__)  # type: ignore[method-assign]
        if "build" in vars(cls):
            cls.build = _once(cls.build)  # type: ignore[method-assign, assignment]

    # what a layer overrides ------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights.  `input_shape` is a tuple whose batch is None, or a list of them for several inputs."""
        self.built = True

    def call(self, x: Any) -> Any:
        """Emit the layer's ops on the value(s) `x`; may take ``training``."""
        raise NotImplementedError(f"{type(self).__name__}.call")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them: those that are kept as attributes of the same name.

        Raises:
            NotImplementedError: if an argument is not kept; a layer of one's own may override this method.
        """
        return {"name": self.name, "trainable": self.trainable, **constructor_arguments(self, Layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """A new layer, with new weights, of a config."""
        return cls(**{key: revived(value) for key, value in config.items()})

    # weights ---------------------------------------------------------------------------------------------------------

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, trainable: bool = True,
        regularizer: Any = None, constraint: Any = None, name: str | None = None,
    ) -> Variable:  # fmt: skip
        """Make a weight.

        Args:
            shape: its sizes.
            initializer: name, object or function of a shape; ``"glorot_uniform"`` by default.
            dtype: None or ``"float32"``.
            trainable: whether training changes it.
            regularizer: name, object or function of the value; its result is added to the loss.
            constraint: name, object or function of the value; what the weight is kept to after each step.
            name: by default ``"weight"``.

        Raises:
            MemoryError: if the machine has less memory left than the weight takes.
        """
        if dtype is not None and np.dtype(dtype) != np.float32:
            raise ValueError(f"{self.name}: weights are float32, got dtype={dtype!r}")
        start = initializers.get("glorot_uniform" if initializer is None else initializer)
        assert start is not None
        headroom.require(
            4 * math.prod(shape),
            f"layer {self.name}: the weight {name or 'weight'!r}, of shape {tuple(shape)}",
            "give the layer fewer units, or a smaller input (strides, pooling or smaller images before a Flatten)",
        )
        drawn = isinstance(start, SeededInitializer)  # then the array is nobody else's, and needs no copy
        array = (np.asarray if drawn else np.array)(start(tuple(shape)), np.float32)
        if array.shape != tuple(shape):
            raise ShapeError(f"the initializer gave shape {array.shape} for a weight of shape {tuple(shape)}")
        variable = Variable(array, f"{self.name}/{name or 'weight'}", trainable)
        variable.regularizer = regularizers.get(regularizer)  # type: ignore[attr-defined]
        variable.constraint = constraints.get(constraint)  # type: ignore[attr-defined]
        self._weights.append(variable)
        return variable

    @staticmethod
    def value(x: Any, variable: Variable) -> Value:
        """The value of a variable in the graph of `x` (a value or a list of them)."""
        first = x[0] if isinstance(x, list | tuple) else x
        value: Value = first.graph.variable(variable)
        return value

    def _parts(self) -> list[Layer]:
        """The layers inside of this one."""
        found: list[Layer] = []
        for held in vars(self).values():
            inside = held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else (held,)
            found += [x for x in inside if isinstance(x, Layer)]
        return found

    @property
    def weights(self) -> list[Variable]:
        """All weights: those of its own, then those of the layers inside."""
        every = [*self._weights, *(w for part in self._parts() for w in part.weights)]
        return list({id(w): w for w in every}.values())

    @weights.setter
    def weights(self, weights: Sequence[Variable]) -> None:
        self._weights = list(weights)

    @property
    def variables(self) -> list[Variable]:
        """All weights, as Keras also calls them."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that training changes, as Keras also calls them."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The weights that training leaves alone, as Keras also calls them."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it for the layers inside, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for part in self._parts():
            part.trainable = self._trainable

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        if not self.trainable:
            return []
        inside = [w for part in self._parts() for w in part.trainable_weights]
        return list({id(w): w for w in [*(w for w in self._weights if w.trainable), *inside]}.values())

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        changed = {id(w) for w in self.trainable_weights}
        return [w for w in self.weights if id(w) not in changed]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Replace all weights.  Raises ValueError unless number and shapes agree."""
        mine = self.weights
        if len(weights) != len(mine):
            raise ValueError(f"{self.name} has {len(mine)} weights, got {len(weights)} arrays")
        for variable, array in zip(mine, weights, strict=True):
            if np.shape(array) != variable.shape:
                raise ShapeError(f"{variable.name} has shape {variable.shape}, got an array of shape {np.shape(array)}")
        for variable, array in zip(mine, weights, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Number of weights."""
        return sum(w.array.size for w in self.weights)

    def add_loss(self, loss: Any) -> None:
        """Add to the loss of the model around, in training and evaluation; to be called in `call`.

        Args:
            loss: a symbolic value, whose numbers are added up, or a list of them.

        Raises:
            TypeError: if it is something else.

        >>> from edgenet import Input, ops
        >>> class Small(Layer):
        ...     def call(self, x):
        ...         self.add_loss(0.01 * ops.mean(ops.square(x)))
        ...         return x
        >>> Small()(Input((4,))).shape
        (None, 4)
        """
        for value in unwrap(loss)[0]:
            if not isinstance(value, Value):
                raise TypeError(f"{self.name}.add_loss: expected a symbolic value, got {type(value).__name__}")
            if value.graph.penalties is not None:
                value.graph.penalties.append(ops.sum(value) if value.shape else value)

    if not TYPE_CHECKING:  # a checker should go on refusing names that are not there

        def __getattr__(self, name: str) -> Any:
            """Say it where a subclass was not initialised; else raise what was raised."""
            if "name" not in vars(self) and not name.startswith("__"):
                raise AttributeError(f"{type(self).__name__}.__init__ must begin with super().__init__(**kwargs)")
            return object.__getattribute__(self, name)

    # calls -----------------------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, training: bool | None = None) -> Any:
        """On symbolic tensors: connect the layer.  On values of a graph: emit its ops.

        Args:
            inputs: what the layer is applied to, or a list for a layer of several inputs.
            training: whether to do as in training; by default as the layer around this one, or as the model runs.

        Raises:
            ShapeError: if the layer does not take inputs of these shapes.
            TypeError: if the inputs are not symbolic.
        """
        tensors, nested = unwrap(inputs)
        if tensors and all(isinstance(t, SymbolicTensor) for t in tensors):
            return self._connect(tensors, nested, training)
        if tensors and all(isinstance(t, Value) for t in tensors):
            self._ensure_built([_unbatched(t) for t in tensors], nested)
            return self._emit(inputs, _training.get() if training is None else bool(training))
        raise TypeError(
            f"{self.name} was called on {', '.join(type(t).__name__ for t in tensors) or 'nothing'}: expected the "
            f"result of edgenet.Input or of another layer; to compute on arrays, put it into a model: "
            f"edgenet.Sequential([layer])(x)"
        )

    def _emit(self, inputs: Any, training: bool) -> Any:
        graph: Graph = unwrap(inputs)[0][0].graph
        around, outside = _training.set(training), graph.layer
        graph.layer = self.name
        try:
            result = self.call(inputs, training=training) if self._takes_training else self.call(inputs)  # type: ignore[call-arg]
            for y in unwrap(result)[0]:
                if not isinstance(y, Value):
                    raise TypeError(f"{self.name}.call gave {type(y).__name__}: expected a symbolic value, or a list")
            if self.activity_regularizer is not None and graph.penalties is not None:
                graph.penalties += [self.activity_regularizer(y) / y.shape[0] for y in unwrap(result)[0]]
            return result
        except ShapeError as error:
            raise self._named(error) from None
        finally:
            _training.reset(around)
            graph.layer = outside

    def _named(self, error: ShapeError) -> ShapeError:
        """The error with the name of the layer in front, unless a layer inside has put its own there."""
        text = str(error)
        return ShapeError(text if text.startswith("layer ") else f"layer {self.name}: {text}")

    def _ensure_built(self, shapes: list[Shape], nested: bool) -> None:
        if self.built:
            return
        try:
            self.build(shapes if nested else shapes[0])
        except ShapeError as error:
            raise self._named(error) from None

    def _connect(self, tensors: list[SymbolicTensor], nested: bool, training: bool | None) -> Any:
        self._ensure_built([t.shape for t in tensors], nested)
        graph = Graph(self.name)
        values = [graph.input(("batch", *t.shape[1:]), t.dtype) for t in tensors]  # type: ignore[arg-type]
        results, many = unwrap(self._emit(values if nested else values[0], training=False))
        outputs = [SymbolicTensor(_unbatched(v), v.dtype) for v in results]
        connection = Connection(self, tensors, outputs, nested, training)
        for i, tensor in enumerate(outputs):
            tensor.source, tensor.index = connection, i
        self.connections.append(connection)
        return outputs if many else outputs[0]

    @property
    def output(self) -> Any:
        """The result of the layer's only call; a list of them if it has several."""
        outputs = self._only().outputs
        return outputs if len(outputs) > 1 else outputs[0]

    @property
    def input(self) -> Any:
        """The input of the layer's only call; a list of them if it was called on a list."""
        call = self._only()
        return call.inputs if call.nested else call.inputs[0]

    input_shape: Any = _ShapeOf("input")
    output_shape: Any = _ShapeOf("output")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the result for inputs of a shape, or of a list of shapes; builds the layer.

        >>> from edgenet.layers import Conv2D
        >>> Conv2D(8, 3, strides=2).compute_output_shape((None, 28, 28, 1))
        (None, 13, 13, 8)
        """
        nested = isinstance(input_shape, list)
        shapes = [tuple(s) for s in (input_shape if nested else [input_shape])]
        self._ensure_built(shapes, nested)
        graph = Graph(self.name)
        values = [graph.input(("batch", *s[1:])) for s in shapes]
        results, many = unwrap(self._emit(values if nested else values[0], training=False))
        found = [_unbatched(v) for v in results]
        return found if many else found[0]

    def _only(self) -> Connection:
        if len(self.connections) != 1:
            raise AttributeError(f"{self.name} is connected {len(self.connections)} times: no single input or output")
        return self.connections[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _once(build: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """`build` that notes that it ran, and does not run again."""

    @functools.wraps(build)
    def wrapped(self: Layer, input_shape: Any) -> None:
        if not self.built:
            build(self, input_shape)
            self.built = True

    return wrapped


def _unbatched(value: Any) -> Shape:
    """The shape of a graph's value as layers see it: the batch is None."""
    return (None, *value.shape[1:])
