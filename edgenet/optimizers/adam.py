"""Adam."""

from __future__ import annotations

from edgenet import ops
from edgenet.graph import Value

from .optimizer import Optimizer


class Adam(Optimizer):
    """m ← β₁m + (1 - β₁)g,  v ← β₂v + (1 - β₂)g²,  θ ← θ - lr·√(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε).

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (arXiv:1412.6980), in the form before section
    2.1, which is that of Keras.

    >>> Adam(3e-4).learning_rate
    0.0003
    """

    slots = ("m", "v")

    def __init__(
        self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        *, clipvalue: float | None = None, global_clipnorm: float | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, clipvalue=clipvalue, global_clipnorm=global_clipnorm, name=name)
        if not (0 <= beta_1 < 1 and 0 <= beta_2 < 1):
            raise ValueError(f"{self.name}: beta_1 and beta_2 must be in [0, 1), got {beta_1} and {beta_2}")
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def update(self, theta: Value, grad: Value, rate: Value, step: Value, **slots: Value) -> None:
        """One step."""
        b1, b2 = self.beta_1, self.beta_2
        ops.adam(theta, grad, rate, slots["m"], slots["v"], step, beta_1=b1, beta_2=b2, epsilon=self.epsilon)
