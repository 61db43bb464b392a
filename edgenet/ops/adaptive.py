"""Optimizers that measure gradients and divide by the measure: one op each, over all weights.

Like those of `update`, these ops have no outputs: they write the weights and their slots in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import adaptive as k

from .broadcast import blocks
from .update import Update, expect_variable


class Rmsprop(Update):
    """Inputs theta, gradient, lr[1], velocity, speed?, mean?; attributes rho, momentum, centered, epsilon."""

    name = "rmsprop"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4, 5), 2)
        for wanted, slot, what in (("momentum", 4, "speed"), ("centered", 5, "mean")):
            if attrs[wanted] and specs[slot] is None:
                raise ShapeError(f"{wanted}={attrs[wanted]} needs a {what}")
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, velocity, speed, mean = node.inputs
        assert theta is not None
        n, a = theta.spec.size, node.attrs
        kernel = (
            (k.rmsprop, k.rmsprop_momentum),
            (k.rmsprop_centered, k.rmsprop_centered_momentum),
        )[bool(a["centered"])][bool(a["momentum"])]
        numbers = (a["rho"], 1 - a["rho"], a["momentum"], a["epsilon"])
        return [Call(kernel, (theta, velocity, speed, mean, g, lr, n, *numbers), blocks(n), 28.0 * n)]


class Adagrad(Update):
    """Inputs theta, gradient, lr[1], total; attribute epsilon."""

    name = "adagrad"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3), 2)
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, total = node.inputs
        assert theta is not None
        n = theta.spec.size
        return [Call(k.adagrad, (theta, total, g, lr, n, node.attrs["epsilon"]), blocks(n), 24.0 * n)]


class Adadelta(Update):
    """Inputs theta, gradient, lr[1], squares, moves; attributes rho, epsilon."""

    name = "adadelta"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4), 2)
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, squares, moves = node.inputs
        assert theta is not None
        n, rho = theta.spec.size, node.attrs["rho"]
        args = (theta, squares, moves, g, lr, n, rho, 1 - rho, node.attrs["epsilon"])
        return [Call(k.adadelta, args, blocks(n), 40.0 * n)]


class Adam(Update):
    """Inputs theta, gradient, lr[1], m, v, step int64[1], largest v?; attributes beta_1, beta_2, epsilon."""

    name = "adam"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4, 6), 2)
        self.expect_step(specs[5])
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, m, v, step, largest = node.inputs
        assert theta is not None
        n, a = theta.spec.size, node.attrs
        numbers = (n, 1 - a["beta_1"], 1 - a["beta_2"], a["epsilon"])
        if largest is None:
            return [Call(k.adam, (theta, m, v, g, lr, step, *numbers), blocks(n), 40.0 * n)]
        return [Call(k.amsgrad, (theta, m, v, largest, g, lr, step, *numbers), blocks(n), 48.0 * n)]


class Adamax(Update):
    """Inputs theta, gradient, lr[1], m, u, step int64[1]; attributes beta_1, beta_2, epsilon."""

    name = "adamax"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4), 2)
        self.expect_step(specs[5])
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, m, u, step = node.inputs
        assert theta is not None
        n, a = theta.spec.size, node.attrs
        args = (theta, m, u, g, lr, step, n, 1 - a["beta_1"], a["beta_2"], a["epsilon"])
        return [Call(k.adamax, args, blocks(n), 32.0 * n)]


class Nadam(Update):
    """Inputs theta, gradient, lr[1], m, v, product[1], step int64[1]; attributes beta_1, beta_2, epsilon."""

    name = "nadam"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4), 2)
        self.expect_step(specs[6])
        if specs[5].shape != (1,):
            raise ShapeError(f"expected one product, got shape {specs[5].shape}")
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, m, v, product, step = node.inputs
        assert theta is not None
        n, a, factors = theta.spec.size, node.attrs, Scratch(3)
        rest_1, rest_2 = 1 - a["beta_1"], 1 - a["beta_2"]
        return [
            Call(k.nadam_factors, (product, lr, step, factors, rest_1, rest_2), 1),
            Call(k.nadam, (theta, m, v, g, factors, n, rest_1, rest_2, a["epsilon"]), blocks(n), 40.0 * n),
        ]


class Ftrl(Update):
    """Inputs theta, gradient, lr[1], total, linear; attributes power, l1, l2, shrinkage, beta."""

    name = "ftrl"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4), 2)
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, total, linear = node.inputs
        assert theta is not None
        n, a = theta.spec.size, node.attrs
        kernel = k.ftrl_root if a["power"] == -0.5 else k.ftrl
        numbers = (-a["power"], a["l1"], a["l2"], a["shrinkage"], a["beta"])
        return [Call(kernel, (theta, total, linear, g, lr, n, *numbers), blocks(n), 40.0 * n)]


def rmsprop(
    theta: Value, grad: Value, lr: Value, velocity: Value, speed: Value | None = None, mean: Value | None = None, *,
    rho: float = 0.9, momentum: float = 0.0, centered: bool = False, epsilon: float = 1e-7,
) -> None:  # fmt: skip
    """One step of RMSprop: theta -= lr·grad / √(velocity + epsilon), velocity being a running mean of grad².

    Args:
        theta: the weights, a variable.
        grad: their gradient.
        lr: learning rate, shape (1,) or ().
        velocity: a variable shaped as theta.
        speed: the same; needed with momentum.
        mean: the same, a running mean of grad; needed where `centered`.
        rho: share of the running means that is kept.
        momentum: share of the last step that is added to the next.
        centered: whether mean² is taken off velocity.
        epsilon: keeps the quotient finite.

    Raises:
        ShapeError: if the shapes do not fit together, or a slot is missing.
        TypeError: if theta or a slot is not a variable.
    """
    expect_variable("rmsprop", theta=theta, velocity=velocity, speed=speed, mean=mean)
    attrs = {"rho": float(rho), "momentum": float(momentum), "centered": bool(centered), "epsilon": float(epsilon)}
    emit("rmsprop", [theta, grad, lr, velocity, speed, mean], **attrs)


def adagrad(theta: Value, grad: Value, lr: Value, total: Value, *, epsilon: float = 1e-7) -> None:
    """One step of Adagrad: total += grad², theta -= lr·grad / √(total + epsilon).

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta or total is not a variable.
    """
    expect_variable("adagrad", theta=theta, total=total)
    emit("adagrad", [theta, grad, lr, total], epsilon=float(epsilon))


def adadelta(
    theta: Value, grad: Value, lr: Value, squares: Value, moves: Value, *, rho: float = 0.95, epsilon: float = 1e-7,
) -> None:  # fmt: skip
    """One step of Adadelta: theta -= lr·grad·√(moves + epsilon) / √(squares + epsilon), both running means of squares.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta, squares or moves is not a variable.
    """
    expect_variable("adadelta", theta=theta, squares=squares, moves=moves)
    emit("adadelta", [theta, grad, lr, squares, moves], rho=float(rho), epsilon=float(epsilon))


def adam(
    theta: Value, grad: Value, lr: Value, m: Value, v: Value, step: Value, largest: Value | None = None, *,
    beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
) -> None:  # fmt: skip
    """One step of Adam: theta -= α·m / (√v + epsilon), m and v being running means of grad and of its square.

    Args:
        theta: the weights, a variable.
        grad: their gradient.
        lr: learning rate, shape (1,) or ().
        m: first moment, a variable shaped as theta.
        v: second moment, a variable shaped as theta.
        step: int64[1], how many steps were taken before this one; `increment` it afterwards.
        largest: a variable shaped as theta; with it the step divides by the root of the largest v so far (amsgrad).
        beta_1: share of m that is kept.
        beta_2: share of v that is kept.
        epsilon: keeps the quotient finite.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta, m, v or largest is not a variable.
    """
    expect_variable("adam", theta=theta, m=m, v=v, largest=largest)
    emit("adam", [theta, grad, lr, m, v, step, largest], **_betas(beta_1, beta_2, epsilon))


def adamax(
    theta: Value, grad: Value, lr: Value, m: Value, u: Value, step: Value, *, beta_1: float = 0.9,
    beta_2: float = 0.999, epsilon: float = 1e-7,
) -> None:  # fmt: skip
    """One step of Adamax: like `adam`, but divided by u ← max(β₂u, |grad|).

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta, m or u is not a variable.
    """
    expect_variable("adamax", theta=theta, m=m, u=u)
    emit("adamax", [theta, grad, lr, m, u, step], **_betas(beta_1, beta_2, epsilon))


def nadam(
    theta: Value, grad: Value, lr: Value, m: Value, v: Value, product: Value, step: Value, *, beta_1: float = 0.9,
    beta_2: float = 0.999, epsilon: float = 1e-7,
) -> None:  # fmt: skip
    """One step of Nadam: `adam` with Nesterov's momentum.

    `product`, a float32[1] variable that is 1 at first, holds the product of the momenta so far.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta, m, v or product is not a variable.
    """
    expect_variable("nadam", theta=theta, m=m, v=v, product=product)
    emit("nadam", [theta, grad, lr, m, v, product, step], **_betas(beta_1, beta_2, epsilon))


def ftrl(
    theta: Value, grad: Value, lr: Value, total: Value, linear: Value, *, power: float = -0.5, l1: float = 0.0,
    l2: float = 0.0, shrinkage: float = 0.0, beta: float = 0.0,
) -> None:  # fmt: skip
    """One step of FTRL-Proximal, which follows the regularized leader.

    Args:
        theta: the weights, a variable.
        grad: their gradient.
        lr: learning rate, shape (1,) or ().
        total: sum of grad², a variable shaped as theta, at least 0.
        linear: the same, 0 at first.
        power: exponent of the learning rates, at most 0.
        l1: strength of the penalty on |theta|.
        l2: strength of the penalty on theta².
        shrinkage: strength of a penalty on theta² that is on the gradient alone.
        beta: added to the root of total.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta, total or linear is not a variable.
    """
    expect_variable("ftrl", theta=theta, total=total, linear=linear)
    attrs = {"power": float(power), "l1": float(l1), "l2": float(l2)}
    emit("ftrl", [theta, grad, lr, total, linear], **attrs, shrinkage=float(shrinkage), beta=float(beta))


def _betas(beta_1: float, beta_2: float, epsilon: float) -> dict[str, float]:
    return {"beta_1": float(beta_1), "beta_2": float(beta_2), "epsilon": float(epsilon)}
