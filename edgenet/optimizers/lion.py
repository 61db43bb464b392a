"""Lion."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer, in_unit
from .schedules import LearningRateSchedule


class Lion(Optimizer):
    """θ ← θ - lr·sign(β₁m + (1 - β₁)g),  m ← β₂m + (1 - β₂)g.

    Source: Chen et al., "Symbolic discovery of optimization algorithms" (arXiv:2302.06675).

    Args:
        learning_rate: a number or a schedule; a third to a tenth of what suits Adam.
        beta_1: β₁, share of m in the direction.
        beta_2: β₂, share of m that is kept.
        others: those of `Optimizer`.

    >>> Lion(1e-4).learning_rate
    0.0001
    """

    slots = ("m",)

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.99,
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

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.lion(theta, grad, rate, slots["m"], beta_1=self.beta_1, beta_2=self.beta_2)
