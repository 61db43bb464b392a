"""The base of all optimizers: learning rate, step counter, slots, and what is done to gradients and weights around."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from edgenet import ops
from edgenet.graph import Graph, Value, Variable, headroom
from edgenet.utils.registry import Registry
from edgenet.utils.spelling import nearest

from . import schedules
from .schedules import LearningRateSchedule

#: seats of a slot's owner and its numbers in the slot
Layout = list[tuple[Variable, slice]]
#: what to write instead of arguments of older code
FORMER = {
    "lr": "write learning_rate=…",
    "decay": "give learning_rate=edgenet.optimizers.schedules.InverseTimeDecay(rate, 1, decay)",
    "jit_compile": "leave it out, every step is compiled",
}


class Optimizer:
    """Changes weights by their gradients.

    A subclass names its `slots` and overrides ``update``, which emits ops: one of the kernels of `edgenet.ops`, which
    work in place, or anything else that ends in `ops.assign`.

    Args:
        learning_rate: a number, which may be set at any time, ``optimizer.learning_rate = 1e-4`` (nothing is compiled
            again), or one of `edgenet.optimizers.schedules`.
        weight_decay: weights lose this share times the learning rate before each step; see also
            `exclude_from_weight_decay`.
        clipnorm: the gradient of each weight array is scaled down to at most this Euclidean norm.
        clipvalue: bound of the absolute value of each gradient.
        global_clipnorm: all gradients are scaled down together to at most this Euclidean norm.
        use_ema: whether a running mean of the weights is kept, which replaces them at the end of `fit`.
        ema_momentum: share of that mean that is kept in each step.
        ema_overwrite_frequency: steps after which the mean replaces the weights; None for the end of `fit` alone.
        loss_scale_factor: for half precision; in float32 scaling up and down again changes nothing, so it is only kept.
        gradient_accumulation_steps: batches whose gradients are averaged for one step.
        name: name of the optimizer.

    Raises:
        ValueError: for arguments out of range, or more than one way of clipping.
        TypeError: for arguments that do not exist, or of another kind.

    >>> class Sign(Optimizer):
    ...     "Steps of one length, written with ordinary ops."
    ...     def update(self, theta, grad, rate, step, **slots):
    ...         ops.assign(theta, theta - rate * (ops.greater(grad, 0.0) - ops.greater(0.0, grad)))
    >>> Sign(0.5, clipvalue=1.0)
    Sign(learning_rate=0.5, clipvalue=1.0)
    """

    #: names of the flat variables, shaped as theta, that hold the state
    slots: tuple[str, ...] = ()
    #: first values of slots, other than 0
    starts: Mapping[str, float] = {}
    #: names and first values of single numbers that belong to the state
    scalars: ClassVar[Mapping[str, float]] = {}

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.name = name or type(self).__name__.lower()
        self._refuse(kwargs)
        self.weight_decay, self.loss_scale_factor = weight_decay, loss_scale_factor
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = bool(use_ema), ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check()
        self.schedule: LearningRateSchedule | None = None
        self.rate = Variable(np.zeros(1, np.float32), "learning_rate", trainable=False)
        self.iterations = Variable(np.zeros(1, np.int64), "iterations", trainable=False)
        """batches so far"""
        self.updates = self.iterations
        """changes of the weights so far"""
        if gradient_accumulation_steps:
            self.updates = Variable(np.zeros(1, np.int64), "updates", trainable=False)
        self.state: dict[str, Variable] = {}
        self.numbers = {
            n: Variable(np.full(1, v, np.float32), f"{self.name}/{n}", trainable=False) for n, v in self.scalars.items()
        }
        self.layout: Layout = []
        self._undecayed: tuple[set[int], tuple[str, ...]] = (set(), ())
        self.learning_rate = learning_rate

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.setdefault(cls.__name__.lower(), cls)

    def _refuse(self, given: Mapping[str, Any]) -> None:
        """Raise TypeError for arguments that are not there, with what to write instead."""
        known = _arguments(type(self))
        for argument in given:
            near = nearest(argument, known)
            told = FORMER.get(argument) or (f"did you mean {near}=…?" if near else f"it takes {', '.join(known)}")
            raise TypeError(f"{self.name}: there is no argument {argument!r}; {told}")

    def _check(self) -> None:
        """Raise ValueError for arguments out of range."""
        for what in ("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"):
            bound = getattr(self, what)
            if bound is not None and not bound > 0:
                raise ValueError(f"{self.name}: {what} must be positive, got {bound}")
        ways = [w for w in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, w) is not None]
        if len(ways) > 1:
            raise ValueError(f"{self.name}: gradients are clipped in one way, got {' and '.join(ways)}; give one")
        if self.weight_decay is not None and not self.weight_decay >= 0:
            raise ValueError(f"{self.name}: weight_decay must not be negative, got {self.weight_decay}")
        if not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"{self.name}: ema_momentum must be between 0 and 1, got {self.ema_momentum}")
        for what, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            value = getattr(self, what)
            if value is not None and (not isinstance(value, int) or value < least):
                raise ValueError(f"{self.name}: {what} must be None or an integer of at least {least}, got {value!r}")

    @property
    def learning_rate(self) -> float:
        """The step size of the next step; may be set to a number, or to a schedule.

        >>> from edgenet.optimizers import SGD
        >>> optimizer = SGD(0.5)
        >>> optimizer.learning_rate = 0.25
        >>> optimizer.learning_rate
        0.25
        """
        if self.schedule is not None:
            return float(self.schedule(int(self.iterations.array[0])))
        return float(f"{self.rate.array[0]:.7g}")  # the shortest decimal that float32 stands for

    @learning_rate.setter
    def learning_rate(self, value: float | LearningRateSchedule) -> None:
        if isinstance(value, Mapping):
            value = schedules.deserialize(value)
        if isinstance(value, LearningRateSchedule):
            self.schedule = value
            return
        if isinstance(value, str | bool) or not hasattr(value, "__float__"):
            raise TypeError(
                f"{self.name}: learning_rate must be a number or one of edgenet.optimizers.schedules, "
                f"got {type(value).__name__}"
            )
        if self.schedule is not None:
            raise TypeError(
                f"{self.name}: the learning rate follows {self.schedule!r} and cannot be set to {value}; "
                "give the optimizer a number at first, or set another schedule"
            )
        if not float(value) >= 0:
            raise ValueError(f"{self.name}: the learning rate must not be negative, got {value}")
        self.rate.assign(np.array([value], np.float32))

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Name the weights that `weight_decay` leaves alone; call it before training begins.

        Args:
            var_list: variables, such as ``layer.bias``.
            var_names: regular expressions that are searched in the names of variables, such as ``"bias"``.

        Raises:
            ValueError: if the optimizer was used before.
        """
        if self.layout:
            raise ValueError(f"{self.name}: exclude_from_weight_decay comes before the first training step")
        self._undecayed = ({id(v) for v in var_list or ()}, tuple(var_names or ()))

    def _decayed(self) -> list[tuple[int, int]] | None:
        """The spans of theta that decay; None for all of it."""
        ids, names = self._undecayed
        spans: list[tuple[int, int]] = []
        for v, span in self.layout:
            if id(v) in ids or any(re.search(n, v.name) for n in names):
                continue
            if spans and spans[-1][1] == span.start:
                spans[-1] = (spans[-1][0], span.stop)
            else:
                spans.append((span.start, span.stop))
        return spans if ids or names else None

    # what a subclass overrides ---------------------------------------------------------------------------------------

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """Emit ops that write theta and the slots, from the gradient, the learning rate and the step counter."""
        raise NotImplementedError(f"{type(self).__name__}.update")

    # what a model calls ----------------------------------------------------------------------------------------------

    @property
    def all_slots(self) -> tuple[str, ...]:
        """The slots, with those for running means of weights and sums of gradients."""
        extra = [("accumulated", self.gradient_accumulation_steps), ("average", self.use_ema)]
        return (*self.slots, *(name for name, wanted in extra if wanted))

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots of `variables`, which lie one behind the other in theta; what is known of them is kept."""
        layout, at = [], 0
        for v in variables:
            layout.append((v, slice(at, at + v.array.size)))
            at += v.array.size
        if self.state and [v for v, _ in self.layout] == list(variables):
            return
        what = f"{self.name}: its state, {len(self.all_slots)} numbers for each of {at:,} weights"
        headroom.require(4 * at * len(self.all_slots), what, f"SGD keeps none; or {headroom.FEWER_WEIGHTS}")
        known = {id(v): span for v, span in self.layout}
        for slot in self.all_slots:
            new = np.full(at, self.starts.get(slot, 0.0), np.float32)
            for v, span in layout:
                if slot in self.state and id(v) in known:
                    new[span] = self.state[slot].array[known[id(v)]]
                elif slot == "average":
                    new[span] = v.array.ravel()
            self.state[slot] = Variable(new, f"{self.name}/{slot}", trainable=False)
        self.layout = layout

    def prepare(self) -> bool:
        """Set the learning rate of the batch to come; returns whether it changes the weights."""
        if self.schedule is not None:
            self.rate.array[0] = self.schedule(int(self.iterations.array[0]))
        count = self.gradient_accumulation_steps
        return not count or (int(self.iterations.array[0]) + 1) % count == 0

    def apply(self, graph: Graph, theta: Value, grad: Value) -> None:
        """Emit one step: clip the gradient, update theta and the slots."""
        rate, step = graph.variable(self.rate), graph.variable(self.updates)
        if self.gradient_accumulation_steps:
            total = graph.variable(self.state["accumulated"])
            grad = (total + grad) * np.float32(1 / self.gradient_accumulation_steps)
            ops.assign(total, ops.broadcast_to(graph.constant(np.zeros(1, np.float32)), total.shape))
        if self.clipvalue is not None:
            grad = ops.clip(grad, -self.clipvalue, self.clipvalue)
        elif self.clipnorm is not None:
            grad = ops.clip_norm(grad, self.clipnorm, [v.array.size for v, _ in self.layout])
        elif self.global_clipnorm is not None:
            grad = ops.clip_norm(grad, self.global_clipnorm)
        if self.weight_decay:
            ops.decay(theta, rate, self.weight_decay, self._decayed())
        held = {name: graph.variable(self.state[name]) for name in self.slots}
        self.update(theta, grad, rate, step, **held, **{n: graph.variable(v) for n, v in self.numbers.items()})
        self._follow(graph, theta)
        if self.updates is not self.iterations:
            ops.increment(step)

    def accumulate(self, graph: Graph, theta: Value, grad: Value) -> None:
        """Emit the step of a batch whose gradient is only added to those before."""
        total = graph.variable(self.state["accumulated"])
        ops.assign(total, total + grad)
        self._follow(graph, theta)

    def _follow(self, graph: Graph, theta: Value) -> None:
        """Emit the running mean of the weights."""
        if self.use_ema:
            mean, step = graph.variable(self.state["average"]), graph.variable(self.updates)
            every = self.ema_overwrite_frequency or 0
            ops.average(mean, theta, step, momentum=self.ema_momentum, every=every)

    def finalize_variable_values(self, var_list: Sequence[Variable] | None = None) -> None:
        """With `use_ema`, set the weights to their running means; `fit` does so at its end."""
        if self.use_ema and "average" in self.state:
            for v, span in self.layout:
                v.assign(self.state["average"].array[span].reshape(v.shape))

    # state -----------------------------------------------------------------------------------------------------------

    def _counters(self) -> dict[str, Variable]:
        counters = {"iterations": self.iterations, "learning_rate": self.rate, **self.numbers}
        return counters if self.updates is self.iterations else {**counters, "updates": self.updates}

    def get_state(self) -> dict[str, np.ndarray]:
        """Copies of everything that the next step depends on, the weights aside."""
        return {name: v.numpy() for name, v in {**self._counters(), **self.state}.items()}

    def set_state(self, state: Mapping[str, np.ndarray], variables: Sequence[Variable] | None = None) -> None:
        """Go back to the state of `get_state`; `variables` are those that the slots belong to, by default the present.

        Raises:
            ValueError: if something is missing or of another size.
        """
        owners = [v for v, _ in self.layout] if variables is None else list(variables)
        size = sum(v.array.size for v in owners)
        wanted: dict[str, tuple[int, ...]] = dict.fromkeys(self._counters(), (1,))
        slots = [s for s in self.all_slots if s in state]
        if slots:
            wanted.update(dict.fromkeys(self.all_slots, (size,)))
        for name, shape in wanted.items():
            if name not in state or np.shape(state[name]) != shape:
                got = np.shape(state[name]) if name in state else "nothing"
                raise ValueError(f"{self.name}: state {name!r} should have shape {shape}, got {got}")
        self.layout, self.state = [], {}
        if slots:
            self.build(owners)
            for slot in slots:
                self.state[slot].assign(state[slot])
        for name, counter in self._counters().items():
            counter.assign(state[name])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        config = {n: getattr(self, n) for n in _arguments(type(self))}
        if self.schedule is not None and "learning_rate" in config:
            config["learning_rate"] = schedules.serialize(self.schedule)
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
        """The optimizer of a config."""
        given = dict(config)
        if isinstance(given.get("learning_rate"), Mapping):
            given["learning_rate"] = schedules.deserialize(given["learning_rate"], custom_objects)
        return cls(**given)

    def __repr__(self) -> str:
        given = {**self.get_config(), **({"learning_rate": self.schedule} if self.schedule is not None else {})}
        silent = {n: p.default for n, p in inspect.signature(Optimizer).parameters.items() if n != "learning_rate"}
        silent["name"] = type(self).__name__.lower()
        arguments = ", ".join(f"{k}={v!r}" for k, v in given.items() if k not in silent or v != silent[k])
        return f"{type(self).__name__}({arguments})"


_classes: dict[str, type[Optimizer]] = {}


def _arguments(kind: type[Optimizer]) -> list[str]:
    """Names of the constructor's arguments, those that it hands on to the class above included."""
    names: dict[str, None] = {}
    for cls in kind.__mro__:
        parameters = list(inspect.signature(vars(cls).get("__init__", Optimizer.__init__)).parameters.values())[1:]
        names.update(dict.fromkeys(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)))
        if cls is Optimizer or all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return list(names)


def in_unit(owner: Optimizer, name: str, value: float) -> float:
    """The value.  Raises ValueError unless it is in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{owner.name}: {name} must be in [0, 1), got {value}")
    return value


_registry = Registry(
    "optimizer", _classes, functions=False, revive=lambda cls, config, custom: cls.from_config(config, custom)
)


def get(identifier: Any) -> Optimizer:
    """The optimizer of a name, a class, a config or an optimizer.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything else.

    >>> get("adam")
    Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False)
    """
    if identifier is None:
        raise TypeError(_registry.refusal(identifier))
    made: Optimizer = _registry.get(identifier, Optimizer)
    return made


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """What `deserialize` makes the optimizer again from, its state aside."""
    told: dict[str, Any] = _registry.serialize(optimizer)
    return told


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer of a config.  Raises ValueError for an unknown class."""
    made: Optimizer = _registry.deserialize(config, custom_objects)
    return made
