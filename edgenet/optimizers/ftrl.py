"""FTRL-Proximal: follow the regularized leader."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer
from .schedules import LearningRateSchedule


class Ftrl(Optimizer):
    """n' = n + g²,  z ← z + g - (n'^p - n^p) / lr·θ,  θ = (clip(z, ±l₁) - z) / (n'^p / lr + 2·l₂), p = -power.

    Source: McMahan et al., "Ad click prediction: a view from the trenches" (2013).

    Args:
        learning_rate: a number or a schedule.
        learning_rate_power: power, at most 0.
        initial_accumulator_value: first value of n, at least 0.
        l1_regularization_strength: l₁, at least 0: weights below become 0.
        l2_regularization_strength: l₂, at least 0.
        l2_shrinkage_regularization_strength: s, at least 0: 2·s·θ is added to g in z.
        beta: β: β / (2·lr) is added to l₂.
        others: those of `Optimizer`.

    >>> Ftrl().get_config()["learning_rate_power"]
    -0.5
    """

    slots = ("total", "linear")

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0, l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0,
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
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta
        if not learning_rate_power <= 0:
            raise ValueError(f"{self.name}: learning_rate_power must be at most 0, got {learning_rate_power}")
        strengths = [f"{part}_regularization_strength" for part in ("l1", "l2", "l2_shrinkage")]
        for argument in ("initial_accumulator_value", *strengths):
            if not getattr(self, argument) >= 0:
                raise ValueError(f"{self.name}: {argument} must not be negative, got {getattr(self, argument)}")
        self.starts = {"total": initial_accumulator_value}

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.ftrl(
            theta, grad, rate, slots["total"], slots["linear"], power=self.learning_rate_power,
            l1=self.l1_regularization_strength, l2=self.l2_regularization_strength,
            shrinkage=self.l2_shrinkage_regularization_strength, beta=self.beta,
        )  # fmt: skip
