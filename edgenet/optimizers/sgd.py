"""Gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer
from .schedules import LearningRateSchedule


class SGD(Optimizer):
    """θ ← θ - lr·g; with momentum μ: v ← μ·v - lr·g, θ ← θ + v, or θ + μ·v - lr·g with `nesterov`.

    Args:
        learning_rate: a number or a schedule.
        momentum: μ, share of a step that is added to the next.
        nesterov: whether the gradient counts as one taken a step ahead.
        others: those of `Optimizer`.

    >>> SGD(0.1, momentum=0.9, nesterov=True).get_config()["momentum"]
    0.9
    """

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.01, momentum: float = 0.0, nesterov: bool = False,
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
        if not 0 <= momentum <= 1:
            raise ValueError(f"{self.name}: momentum must be between 0 and 1, got {momentum}")
        self.momentum, self.nesterov = momentum, bool(nesterov)
        self.slots = ("velocity",) if momentum else ()

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        velocity: Any = slots.get("velocity")
        ops.sgd(theta, grad, rate, velocity, momentum=self.momentum, nesterov=self.nesterov)
