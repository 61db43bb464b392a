"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer, in_unit
from .schedules import LearningRateSchedule


class Adam(Optimizer):
    """m ← β₁m + (1 - β₁)g,  v ← β₂v + (1 - β₂)g²,  θ ← θ - lr·√(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε).

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (arXiv:1412.6980), in the form before section
    2.1, which is that of Keras.

    Args:
        learning_rate: a number or a schedule.
        beta_1: β₁, share of m that is kept.
        beta_2: β₂, share of v that is kept.
        epsilon: ε, keeps the quotient finite.
        amsgrad: whether the largest v so far stands in place of v (Reddi et al. 2018).
        others: those of `Optimizer`.

    >>> Adam(3e-4).learning_rate
    0.0003
    """

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, amsgrad: bool = False,
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
        self.amsgrad = bool(amsgrad)
        self.slots = ("m", "v", "largest") if amsgrad else ("m", "v")

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.adam(
            theta, grad, rate, slots["m"], slots["v"], step, slots.get("largest"), beta_1=self.beta_1,
            beta_2=self.beta_2, epsilon=self.epsilon,
        )  # fmt: skip


class AdamW(Adam):
    """Adam whose weights decay: θ ← θ - lr·λ·θ before each step.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (arXiv:1711.05101).

    Args:
        learning_rate: a number or a schedule.
        weight_decay: λ.
        beta_1: share of m that is kept.
        beta_2: share of v that is kept.
        epsilon: keeps the quotient finite.
        amsgrad: whether the largest v so far stands in place of v.
        others: those of `Optimizer`.

    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if weight_decay is None:
            raise ValueError(f"{name or 'adamw'}: weight_decay must be a number, got None; Adam is the one without")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue, global_clipnorm,
            use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name,
            **kwargs,
        )  # fmt: skip
