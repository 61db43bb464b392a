"""The networks of `_networks` as functions of JAX with the weights of an edgenet model, and their training steps.

A network becomes a list of functions of (weights, statistics, x); each reads its own entries of the two lists, and
leaves the moving statistics that it computes in `statistics`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _networks import Network, Part
from jax import lax

Array = np.ndarray
Function = Callable[[list[Any], list[Any], Any], Any]


def limit_threads(count: int) -> None:
    """Run on this many threads.  JAX has one for each CPU that the process may use when it starts."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cpus = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, set(sorted(cpus)[:count]))
        jax.devices()
    finally:
        os.sched_setaffinity(0, cpus)


class _JaxBuilder:
    def __init__(self, left: dict[str, list[Array]], weights: list[Array], statistics: list[Array]) -> None:
        self.left, self.weights, self.statistics = left, weights, statistics
        self.functions: list[Function] = []

    def _take(self, kind: str, into: list[Array]) -> int:
        into.append(self.left[kind].pop(0))
        return len(into) - 1

    def _conv(self, stride: Any, valid: bool, bias: bool, depthwise: bool = False) -> None:
        w = self._take("conv", self.weights)
        if depthwise:
            self.weights[w] = self.weights[w].transpose(0, 1, 3, 2)
        b = self._take("conv", self.weights) if bias else None
        strides = (stride, stride) if isinstance(stride, int) else stride

        def conv(weights: list[Any], statistics: list[Any], x: Any) -> Any:
            groups = x.shape[-1] if depthwise else 1
            y = lax.conv_general_dilated(
                x, weights[w], strides, "VALID" if valid else "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                feature_group_count=groups,
            )  # fmt: skip
            return y if b is None else y + weights[b]

        self.functions.append(conv)

    def conv(self, filters: int, kernel: Any, stride: Any = 1, bias: bool = True, valid: bool = False) -> None:
        self._conv(stride, valid, bias)

    def depthwise(self, kernel: int, stride: int = 1) -> None:
        self._conv(stride, valid=False, bias=False, depthwise=True)

    def norm(self) -> None:
        gamma, beta = self._take("norm", self.weights), self._take("norm", self.weights)
        mean, var = self._take("norm", self.statistics), self._take("norm", self.statistics)

        def norm(weights: list[Any], statistics: list[Any], x: Any) -> Any:
            axes = tuple(range(x.ndim - 1))
            m, v = x.mean(axes), x.var(axes)
            statistics[mean] = 0.99 * statistics[mean] + 0.01 * m
            statistics[var] = 0.99 * statistics[var] + 0.01 * v
            return (x - m) * (weights[gamma] * lax.rsqrt(v + 1e-3)) + weights[beta]

        self.functions.append(norm)

    def _plain(self, f: Callable[[Any], Any]) -> None:
        self.functions.append(lambda weights, statistics, x: f(x))

    def relu(self, most: float | None = None) -> None:
        self._plain(lambda x: jnp.clip(x, 0.0, most))

    def max_pool(self, size: int, stride: int | None = None) -> None:
        window, steps = (1, size, size, 1), (1, stride or size, stride or size, 1)
        padding = "VALID" if stride is None else "SAME"
        self._plain(lambda x: lax.reduce_window(x, -jnp.inf, lax.max, window, steps, padding))

    def global_average(self) -> None:
        self._plain(lambda x: x.mean((1, 2)))

    def flatten(self) -> None:
        self._plain(lambda x: x.reshape(x.shape[0], -1))

    def dense(self, units: int) -> None:
        w, b = self._take("dense", self.weights), self._take("dense", self.weights)
        self.functions.append(lambda weights, statistics, x: x @ weights[w] + weights[b])

    def _ends(self, parts: tuple[Part | None, ...]) -> list[Function]:
        ends = []
        for part in parts:
            b = _JaxBuilder(self.left, self.weights, self.statistics)
            if part is not None:
                part(b)
            ends.append(b.apply)
        return ends

    def residual(self, branch: Part, shortcut: Part | None = None) -> None:
        one, other = self._ends((branch, shortcut))
        self.functions.append(lambda *given: one(*given) + other(*given))

    def concat(self, *branches: Part) -> None:
        ends = self._ends(branches)
        self.functions.append(lambda *given: jnp.concatenate([end(*given) for end in ends], -1))

    def apply(self, weights: list[Any], statistics: list[Any], x: Any) -> Any:
        for f in self.functions:
            x = f(weights, statistics, x)
        return x


class Trainer:
    """Forward, loss, backward and SGD with momentum as one compiled function, which updates its arguments in place."""

    def __init__(
        self, network: Network, weights: dict[str, list[Array]], learning_rate: float, momentum: float, x: Array,
        y: Array,
    ) -> None:  # fmt: skip
        left = {kind: list(arrays) for kind, arrays in weights.items()}
        builder = _JaxBuilder(left, [], [])
        network.describe(builder)
        if any(left.values()):
            raise AssertionError(f"{network.name}: weights are left over")

        def loss(weights: list[Any], statistics: list[Any], x: Any, y: Any) -> Any:
            statistics = list(statistics)
            logits = jax.nn.log_softmax(builder.apply(weights, statistics, x))
            return -jnp.take_along_axis(logits, y[:, None], 1).mean(), statistics

        def step(state: Any, x: Any, y: Any) -> Any:
            weights, speeds, statistics = state
            (value, statistics), slopes = jax.value_and_grad(loss, has_aux=True)(weights, statistics, x, y)
            speeds = [momentum * v - learning_rate * g for v, g in zip(speeds, slopes, strict=True)]
            return value, ([w + v for w, v in zip(weights, speeds, strict=True)], speeds, statistics)

        start = (builder.weights, [np.zeros_like(w) for w in builder.weights], builder.statistics)
        self.state = jax.tree.map(jnp.array, start)
        self._step, self.x, self.y = jax.jit(step, donate_argnums=0), jnp.array(x), jnp.array(y)

    def step(self) -> float:
        """One step; the loss before it."""
        value, self.state = self._step(self.state, self.x, self.y)
        return float(value)
