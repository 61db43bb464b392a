"""Gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer


class SGD(Optimizer):
    """θ ← θ - lr·g; with momentum μ: v ← μ·v - lr·g, θ ← θ + v, or θ + μ·v - lr·g with `nesterov`.

    >>> SGD(0.1, momentum=0.9, nesterov=True).get_config()["momentum"]
    0.9
    """

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False,
        *, clipvalue: float | None = None, global_clipnorm: float | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, clipvalue=clipvalue, global_clipnorm=global_clipnorm, name=name)
        if not 0 <= momentum <= 1:
            raise ValueError(f"{self.name}: momentum must be between 0 and 1, got {momentum}")
        self.momentum, self.nesterov = momentum, bool(nesterov)
        self.slots = ("velocity",) if momentum else ()

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        velocity: Any = slots.get("velocity")
        ops.sgd(theta, grad, rate, velocity, momentum=self.momentum, nesterov=self.nesterov)
