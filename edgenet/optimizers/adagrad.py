"""Adagrad and Adadelta: rates that follow from all gradients so far."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer, in_unit
from .schedules import LearningRateSchedule


class Adagrad(Optimizer):
    """s ← s + g²,  θ ← θ - lr·g / √(s + ε).

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods" (JMLR 12, 2011).

    Args:
        learning_rate: a number or a schedule.
        initial_accumulator_value: first value of s, at least 0.
        epsilon: ε, keeps the quotient finite.
        others: those of `Optimizer`.

    >>> Adagrad().get_config()["initial_accumulator_value"]
    0.1
    """

    slots = ("total",)

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        if not initial_accumulator_value >= 0:
            raise ValueError(
                f"{self.name}: initial_accumulator_value must not be negative, got {initial_accumulator_value}"
            )
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        self.starts = {"total": initial_accumulator_value}

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.adagrad(theta, grad, rate, slots["total"], epsilon=self.epsilon)


class Adadelta(Optimizer):
    """s ← ρs + (1 - ρ)g²,  d = g·√(u + ε) / √(s + ε),  u ← ρu + (1 - ρ)d²,  θ ← θ - lr·d.

    Source: Zeiler, "Adadelta: an adaptive learning rate method" (arXiv:1212.5701), which has lr = 1.

    Args:
        learning_rate: a number or a schedule.
        rho: ρ, share of the running means that is kept.
        epsilon: ε, keeps the quotient finite.
        others: those of `Optimizer`.

    >>> Adadelta().get_config()["rho"]
    0.95
    """

    slots = ("squares", "moves")

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, rho: float = 0.95, epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.rho, self.epsilon = in_unit(self, "rho", rho), epsilon

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.adadelta(theta, grad, rate, slots["squares"], slots["moves"], rho=self.rho, epsilon=self.epsilon)
