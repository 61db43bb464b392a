"""Learning rates that follow from the number of the training step; an optimizer takes one in place of a number.

The step is counted in batches, from 0, over all calls of `fit`; with ``gradient_accumulation_steps`` every batch
counts, whether or not it changes the weights.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any


class LearningRateSchedule:
    """A function of the step; a schedule of one's own overrides ``__call__``.

    >>> class Halving(LearningRateSchedule):
    ...     def __init__(self, first):
    ...         self.first = first
    ...     def __call__(self, step):
    ...         return self.first / 2**step
    >>> Halving(0.5)(2), Halving(0.5).get_config()
    (0.125, {'first': 0.5})
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.setdefault(cls.__name__, cls)

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        raise NotImplementedError(f"{type(self).__name__}.__call__(self, step) is missing")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, which have to be kept as attributes of the same names."""
        return {n: getattr(self, n) for n in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """The schedule of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items() if k != "name")
        return f"{type(self).__name__}({arguments})"


_classes: dict[str, type[LearningRateSchedule]] = {}


def _steps(owner: LearningRateSchedule, name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{type(owner).__name__}: {name} must be a positive number of steps, got {value!r}")
    return value


class ExponentialDecay(LearningRateSchedule):
    """rate = initial_learning_rate · decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps in which the rate falls by one factor.
        decay_rate: that factor.
        staircase: whether step / decay_steps is rounded down.
        name: name of the schedule.

    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    0.025
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _steps(self, "decay_steps", decay_steps)
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        p = step / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate ** (math.floor(p) if self.staircase else p))


class InverseTimeDecay(LearningRateSchedule):
    """rate = initial_learning_rate / (1 + decay_rate · step / decay_steps).

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: unit of the step.
        decay_rate: how fast the rate falls.
        staircase: whether step / decay_steps is rounded down.
        name: name of the schedule.

    >>> InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)(2)
    0.05
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _steps(self, "decay_steps", decay_steps)
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        p = step / self.decay_steps
        return float(self.initial_learning_rate / (1 + self.decay_rate * (math.floor(p) if self.staircase else p)))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i], i being the number of boundaries below the step.

    Args:
        boundaries: steps in rising order; a step that is a boundary still belongs to the values before.
        values: rates, one more than boundaries.
        name: name of the schedule.

    Raises:
        ValueError: unless there is one more value than boundaries.

    >>> rate = PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1])
    >>> [rate(step) for step in (0, 2, 3, 5, 6)]
    [1.0, 1.0, 0.5, 0.5, 0.1]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1 or not boundaries:
            raise ValueError(
                "PiecewiseConstantDecay: expected at least one boundary and one more value than boundaries, "
                f"got {len(boundaries)} boundaries and {len(values)} values"
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        return float(self.values[sum(step > b for b in self.boundaries)])


class PolynomialDecay(LearningRateSchedule):
    """rate = (initial_learning_rate - end_learning_rate) · (1 - step / decay_steps)^power + end_learning_rate.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: the step from which on the rate is the last one.
        end_learning_rate: the last rate.
        power: 1 for a straight line.
        cycle: whether the rate rises again after decay_steps, 2 · decay_steps, …, which then count as decay_steps.
        name: name of the schedule.

    >>> PolynomialDecay(0.3, decay_steps=10, end_learning_rate=0.1)(5)
    0.2
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _steps(self, "decay_steps", decay_steps)
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        if self.cycle:
            last = self.decay_steps * max(1, math.ceil(step / self.decay_steps))
        else:
            last, step = self.decay_steps, min(step, self.decay_steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * (1 - step / last) ** self.power + self.end_learning_rate)


class CosineDecay(LearningRateSchedule):
    """rate = top · ((1 - alpha) · ½(1 + cos(π · step / decay_steps)) + alpha), after a linear warm-up.

    Without `warmup_target` top is `initial_learning_rate`.  With it the rate first rises, in `warmup_steps` steps, in a
    straight line from initial_learning_rate to warmup_target, which is then the top.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: length of the fall, the warm-up not included.
        alpha: the last rate as a share of the top.
        name: name of the schedule.
        warmup_target: the rate at the end of the warm-up.
        warmup_steps: length of the warm-up.

    >>> rate = CosineDecay(0.0, decay_steps=10, warmup_target=0.2, warmup_steps=4)
    >>> [round(rate(step), 6) for step in (0, 2, 4, 9, 14)]
    [0.0, 0.1, 0.2, 0.1, 0.0]
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, _steps(self, "decay_steps", decay_steps)
        if warmup_target is not None and warmup_steps < 0:
            raise ValueError(f"CosineDecay: warmup_steps must not be negative, got {warmup_steps}")
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        top: float = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return float(top + (self.warmup_target - top) * step / self.warmup_steps)
            top, step = self.warmup_target, step - self.warmup_steps
        fall = 0.5 * (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return float(top * ((1 - self.alpha) * fall + self.alpha))


class CosineDecayRestarts(LearningRateSchedule):
    """The fall of `CosineDecay` again and again (Loshchilov and Hutter, SGDR, arXiv:1608.03983).

    Args:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: length of the first fall.
        t_mul: each fall is this many times as long as the one before.
        m_mul: each starts at this share of the rate at which the one before did.
        alpha: the lowest rate as a share of the initial one.
        name: name of the schedule.

    >>> rate = CosineDecayRestarts(0.2, first_decay_steps=10)
    >>> [round(rate(step), 6) for step in (0, 5, 10, 20, 30)]
    [0.2, 0.1, 0.2, 0.1, 0.2]
    """

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0,
        alpha: float = 0.0, name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _steps(self, "first_decay_steps", first_decay_steps)
        if not t_mul >= 1:
            raise ValueError(f"CosineDecayRestarts: t_mul must be at least 1, got {t_mul}")
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: int) -> float:
        """The learning rate of a step."""
        restarts, length, left = 0, float(self.first_decay_steps), float(step)
        while left >= length:
            restarts, left, length = restarts + 1, left - length, length * self.t_mul
        fall = 0.5 * self.m_mul**restarts * (1 + math.cos(math.pi * left / length))
        return float(self.initial_learning_rate * ((1 - self.alpha) * fall + self.alpha))


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """What `deserialize` makes the schedule again from."""
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule of a config.  Raises ValueError for an unknown class.

    >>> deserialize(serialize(PiecewiseConstantDecay([3], [1.0, 0.1])))
    PiecewiseConstantDecay(boundaries=[3], values=[1.0, 0.1])
    """
    name = str(config.get("class_name"))
    cls = (custom_objects or {}).get(name, _classes.get(name))
    if cls is None:
        raise ValueError(f"unknown learning rate schedule {name!r}: pass custom_objects={{{name!r}: class}}")
    made: LearningRateSchedule = cls.from_config(config.get("config", {}))
    return made
