"""RMSprop, written with ordinary ops: an optimizer of one's own looks like this."""

from __future__ import annotations

import numpy as np

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer


class RMSprop(Optimizer):
    """v ← ρ·v + (1 - ρ)·g²,  θ ← θ - lr·g / √(v + ε).

    Source: Tieleman and Hinton, "Neural networks for machine learning" (2012), lecture 6.5; ε under the root as in
    Keras.

    >>> RMSprop().get_config()["rho"]
    0.9
    """

    slots = ("velocity",)

    def __init__(
        self, learning_rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-7,
        *, clipvalue: float | None = None, global_clipnorm: float | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, clipvalue=clipvalue, global_clipnorm=global_clipnorm, name=name)
        if not 0 <= rho < 1:
            raise ValueError(f"{self.name}: rho must be in [0, 1), got {rho}")
        self.rho, self.epsilon = rho, epsilon

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        rho, v = np.float32(self.rho), slots["velocity"]
        mean = v * rho + ops.square(grad) * np.float32(1 - self.rho)
        new = theta - rate * grad / ops.sqrt(mean + np.float32(self.epsilon))
        ops.assign(v, mean)
        ops.assign(theta, new)
