"""Relatives of Adam: Adamax, Nadam."""

from __future__ import annotations

from typing import Any, ClassVar

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer, in_unit
from .schedules import LearningRateSchedule


class Adamax(Optimizer):
    """m ← β₁m + (1 - β₁)g,  u ← max(β₂u, |g|),  θ ← θ - lr / (1 - β₁ᵗ) · m / (u + ε).

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (arXiv:1412.6980), section 7.1.

    Args:
        learning_rate: a number or a schedule.
        beta_1: β₁, share of m that is kept.
        beta_2: β₂, share of u that is kept.
        epsilon: ε, keeps the quotient finite.
        others: those of `Optimizer`.

    >>> Adamax(0.002).learning_rate
    0.002
    """

    slots = ("m", "u")

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
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
        self.beta_1, self.beta_2 = in_unit(self, "beta_1", beta_1), in_unit(self, "beta_2", beta_2)
        self.epsilon = epsilon

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        b1, b2 = self.beta_1, self.beta_2
        ops.adamax(theta, grad, rate, slots["m"], slots["u"], step, beta_1=b1, beta_2=b2, epsilon=self.epsilon)


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose share of m rises from step to step.

    Formula: `edgenet.kernels.cpu.adaptive`.  Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016).

    Args:
        learning_rate: a number or a schedule.
        beta_1: share of m that is kept.
        beta_2: share of v that is kept.
        epsilon: keeps the quotient finite.
        others: those of `Optimizer`.

    >>> Nadam().get_config()["beta_2"]
    0.999
    """

    slots = ("m", "v")
    scalars: ClassVar[dict[str, float]] = {"product": 1.0}

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
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
        self.beta_1, self.beta_2 = in_unit(self, "beta_1", beta_1), in_unit(self, "beta_2", beta_2)
        self.epsilon = epsilon

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.nadam(
            theta, grad, rate, slots["m"], slots["v"], slots["product"], step, beta_1=self.beta_1, beta_2=self.beta_2,
            epsilon=self.epsilon,
        )  # fmt: skip
