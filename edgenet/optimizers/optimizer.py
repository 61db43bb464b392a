"""The base of all optimizers: learning rate, step counter, slots."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import Graph, Value, Variable

#: seats of a slot's owner and its numbers in the slot
Layout = list[tuple[Variable, slice]]


class Optimizer:
    """Changes weights by their gradients.

    A subclass names its `slots` and overrides ``update``, which emits ops; the kernels' `ops.sgd` and `ops.adam` work
    in place, and anything else can be written with `edgenet.ops` and `ops.assign` (see `RMSprop`).

    Args:
        learning_rate: may be set at any time, ``optimizer.learning_rate = 1e-4``; nothing is compiled again.
        clipvalue: bound of the absolute value of each gradient.
        global_clipnorm: all gradients are scaled down together to at most this Euclidean norm.
        name: name of the optimizer.
    """

    #: names of the flat variables, shaped as theta, that hold the state
    slots: tuple[str, ...] = ()

    def __init__(
        self, learning_rate: float = 0.001, *, clipvalue: float | None = None, global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.name = name or type(self).__name__.lower()
        if not isinstance(learning_rate, int | float | np.number):
            raise TypeError(
                f"{self.name}: learning_rate must be a number, got {type(learning_rate).__name__}; "
                "for a schedule, use callbacks.LearningRateScheduler"
            )
        for what, bound in (("clipvalue", clipvalue), ("global_clipnorm", global_clipnorm)):
            if bound is not None and not bound > 0:
                raise ValueError(f"{self.name}: {what} must be positive, got {bound}")
        self.clipvalue, self.global_clipnorm = clipvalue, global_clipnorm
        self.rate = Variable(np.zeros(1, np.float32), "learning_rate", trainable=False)
        self.iterations = Variable(np.zeros(1, np.int64), "iterations", trainable=False)
        self.state: dict[str, Variable] = {}
        self.layout: Layout = []
        self.learning_rate = float(learning_rate)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.setdefault(cls.__name__.lower(), cls)

    @property
    def learning_rate(self) -> float:
        """The step size of the next step.

        >>> from edgenet.optimizers import SGD
        >>> optimizer = SGD(0.5)
        >>> optimizer.learning_rate = 0.25
        >>> optimizer.learning_rate
        0.25
        """
        return float(f"{self.rate.array[0]:.7g}")  # the shortest decimal that float32 stands for

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not float(value) >= 0:
            raise ValueError(f"{self.name}: the learning rate must not be negative, got {value}")
        self.rate.assign(np.array([value], np.float32))

    # what a subclass overrides ---------------------------------------------------------------------------------------

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """Emit ops that write theta and the slots, from the gradient, the learning rate and the step counter."""
        raise NotImplementedError(f"{type(self).__name__}.update")

    # what a model calls ----------------------------------------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots of `variables`, which lie one behind the other in theta; what is known of them is kept."""
        layout, at = [], 0
        for v in variables:
            layout.append((v, slice(at, at + v.array.size)))
            at += v.array.size
        if self.state and [v for v, _ in self.layout] == list(variables):
            return
        known = {id(v): span for v, span in self.layout}
        for slot in self.slots:
            new = np.zeros(at, np.float32)
            for v, span in layout:
                if slot in self.state and id(v) in known:
                    new[span] = self.state[slot].array[known[id(v)]]
            self.state[slot] = Variable(new, f"{self.name}/{slot}", trainable=False)
        self.layout = layout

    def apply(self, graph: Graph, theta: Value, grad: Value) -> None:
        """Emit one step: clip the gradient, update theta and the slots, count the step."""
        if self.clipvalue is not None:
            grad = ops.clip(grad, -self.clipvalue, self.clipvalue)
        if self.global_clipnorm is not None:
            bound = np.float32(self.global_clipnorm)
            grad = grad * (bound / ops.maximum(ops.sqrt(ops.sum(ops.square(grad))), bound))
        slots = {name: graph.variable(self.state[name]) for name in self.slots}
        step = graph.variable(self.iterations)
        self.update(theta, grad, graph.variable(self.rate), step, **slots)

    # state -----------------------------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, np.ndarray]:
        """Copies of everything that the next step depends on, the weights aside."""
        state = {name: v.numpy() for name, v in self.state.items()}
        return {"iterations": self.iterations.numpy(), "learning_rate": self.rate.numpy(), **state}

    def set_state(self, state: Mapping[str, np.ndarray], variables: Sequence[Variable] | None = None) -> None:
        """Go back to the state of `get_state`; `variables` are those that the slots belong to, by default the present.

        Raises:
            ValueError: if something is missing or of another size.
        """
        owners = [v for v, _ in self.layout] if variables is None else list(variables)
        size = sum(v.array.size for v in owners)
        wanted = {"iterations": (1,), "learning_rate": (1,)}
        slots = [s for s in self.slots if s in state]
        if slots:
            wanted.update(dict.fromkeys(self.slots, (size,)))
        for name, shape in wanted.items():
            if name not in state or np.shape(state[name]) != shape:
                got = np.shape(state[name]) if name in state else "nothing"
                raise ValueError(f"{self.name}: state {name!r} should have shape {shape}, got {got}")
        self.layout, self.state = [], {}
        if slots:
            self.build(owners)
            for slot in slots:
                self.state[slot].assign(state[slot])
        self.iterations.assign(state["iterations"])
        self.rate.assign(state["learning_rate"])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = inspect.signature(type(self).__init__).parameters
        return {n: getattr(self, n) for n in names if n != "self"}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items() if v is not None and k != "name")
        return f"{type(self).__name__}({arguments})"


_classes: dict[str, type[Optimizer]] = {}


def get(identifier: Any) -> Optimizer:
    """The optimizer of a name, a config or an optimizer.

    >>> get("adam")
    Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        cls = _classes.get(identifier.lower())
        if cls is None:
            raise ValueError(f"unknown optimizer {identifier!r}: expected one of {', '.join(sorted(_classes))}")
        return cls()
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    raise TypeError(f"an optimizer is a name or an Optimizer, got {identifier!r}")


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """What `deserialize` makes the optimizer again from, its state aside."""
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer of a config.  Raises ValueError for an unknown class."""
    name = str(config.get("class_name"))
    cls = (custom_objects or {}).get(name, _classes.get(name.lower()))
    if cls is None:
        raise ValueError(f"unknown optimizer class {name!r}: pass custom_objects={{{name!r}: class}}")
    made: Optimizer = cls(**config.get("config", {}))
    return made
