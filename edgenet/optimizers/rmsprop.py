"""RMSprop."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer, in_unit
from .schedules import LearningRateSchedule


class RMSprop(Optimizer):
    """v ← ρ·v + (1 - ρ)·g²,  θ ← θ - lr·g / √(v + ε).

    Source: Tieleman and Hinton, "Neural networks for machine learning" (2012), lecture 6.5; ε under the root as in
    Keras.

    Args:
        learning_rate: a number or a schedule.
        rho: ρ, share of the running means that is kept.
        momentum: share of a step that is added to the next.
        epsilon: ε, keeps the quotient finite.
        centered: whether the square of the running mean of g is taken off v, which leaves a variance.
        others: those of `Optimizer`.

    >>> RMSprop().get_config()["rho"]
    0.9
    """

    def __init__(
        self, learning_rate: float | LearningRateSchedule = 0.001, rho: float = 0.9, momentum: float = 0.0,
        epsilon: float = 1e-7, centered: bool = False,
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
        self.rho, self.momentum = in_unit(self, "rho", rho), in_unit(self, "momentum", momentum)
        self.epsilon, self.centered = epsilon, bool(centered)
        optional = (("speed", momentum), ("mean", centered))
        self.slots = ("velocity", *(slot for slot, wanted in optional if wanted))

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        ops.rmsprop(
            theta, grad, rate, slots["velocity"], slots.get("speed"), slots.get("mean"), rho=self.rho,
            momentum=self.momentum, centered=self.centered, epsilon=self.epsilon,
        )  # fmt: skip
