"""What a training step writes: weights, slots of the optimizer, counters.

These ops have no outputs.  They write variables in place, in the order in which they stand in the graph, so whatever
reads the old value of a variable has to stand before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import update as k
from edgenet.kernels.cpu.movement import COPY_BLOCK, copy

from .broadcast import blocks, expect_float


def _variable(op: str, **values: Any) -> None:
    """Raise TypeError unless all values are variables."""
    for name, value in values.items():
        if value is not None and getattr(value, "variable", None) is None:
            raise TypeError(f"{op}: {name} is written in place: expected the value of a variable, got {value!r}")


class _Update(Op):
    effect = True
    no_gradient = "it writes variables"

    def expect(self, specs: Sequence[Any], same: Sequence[int], lr: int) -> None:
        """Raise ShapeError unless theta and the slots agree and the learning rate is one number."""
        expect_float(*(specs[i] for i in (*same, lr) if specs[i] is not None))
        shapes = [specs[i].shape for i in same if specs[i] is not None]
        if any(s != shapes[0] for s in shapes):
            raise ShapeError(f"expected weights, gradient and slots of one shape, got {shapes}")
        if specs[lr].shape not in ((), (1,)):
            raise ShapeError(f"expected one learning rate, got shape {specs[lr].shape}")

    def cost(self, node: Node) -> Cost:
        theta = node.inputs[0]
        assert theta is not None
        moved = sum(v.spec.size_bytes for v in node.inputs if v is not None)
        return Cost(4 * theta.spec.size, 2 * moved)


class Sgd(_Update):
    """Inputs theta, gradient, lr[1], velocity?; attributes momentum, nesterov."""

    name = "sgd"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3), 2)
        if attrs["momentum"] and specs[3] is None:
            raise ShapeError(f"momentum {attrs['momentum']} needs a velocity")
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, v = node.inputs
        assert theta is not None
        n, mu = theta.spec.size, float(node.attrs["momentum"])
        if not mu:
            return [Call(k.sgd, (theta, g, lr, n), blocks(n), 12.0 * n)]
        args = (theta, v, g, lr, n, mu, int(node.attrs["nesterov"]))
        return [Call(k.momentum, args, blocks(n), 20.0 * n)]


class Adam(_Update):
    """Inputs theta, gradient, lr[1], m, v, step int64[1] (0 at first); attributes beta_1, beta_2, epsilon."""

    name = "adam"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3, 4), 2)
        if specs[5].shape != (1,) or specs[5].dtype != "int64":
            raise ShapeError(f"expected a step int64[1], got {specs[5]}")
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, m, v, step = node.inputs
        assert theta is not None
        n, a = theta.spec.size, node.attrs
        args = (theta, m, v, g, lr, step, n, 1 - float(a["beta_1"]), 1 - float(a["beta_2"]), float(a["epsilon"]))
        return [Call(k.adam, args, blocks(n), 40.0 * n)]


class Assign(_Update):
    """variable = value."""

    name = "assign"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        variable, value = specs
        expect_float(variable, value)
        if variable.shape != value.shape:
            raise ShapeError(f"expected a value of shape {variable.shape}, got {value.shape}")
        return []

    def lower(self, node: Node) -> list[Call]:
        variable, value = node.inputs
        assert variable is not None
        n = variable.spec.size
        return [Call(copy, (value, variable, n), -(-n // COPY_BLOCK), 8.0 * n)]


class Increment(_Update):
    """counter += 1."""

    name = "increment"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        if specs[0].shape != (1,) or specs[0].dtype != "int64":
            raise ShapeError(f"expected a counter int64[1], got {specs[0]}")
        return []

    def lower(self, node: Node) -> list[Call]:
        return [Call(k.increment, (node.inputs[0],), 1)]


def sgd(
    theta: Value, grad: Value, lr: Value, velocity: Value | None = None, *, momentum: float = 0.0,
    nesterov: bool = False,
) -> None:  # fmt: skip
    """theta -= lr·grad; with momentum μ: velocity ← μ·velocity - lr·grad, theta += velocity.

    Args:
        theta: the weights, a variable.
        grad: their gradient.
        lr: learning rate, shape (1,) or ().
        velocity: a variable shaped as theta; needed with momentum.
        momentum: μ.
        nesterov: theta += μ·velocity - lr·grad instead.

    Raises:
        ShapeError: if the shapes do not fit together, or momentum is without velocity.
        TypeError: if theta or velocity is not a variable.

    >>> import numpy as np
    >>> from edgenet.compile import compile_graph
    >>> from edgenet.graph import Graph, Variable
    >>> graph, theta = Graph(), Variable(np.ones(2, np.float32), "theta")
    >>> sgd(graph.variable(theta), graph.input((2,)), graph.constant([0.5]))
    >>> _ = compile_graph(graph, training=True).run([1.0, 2.0])
    >>> theta.numpy()
    array([0.5, 0. ], dtype=float32)
    """
    _variable("sgd", theta=theta, velocity=velocity)
    emit("sgd", [theta, grad, lr, velocity], momentum=float(momentum), nesterov=bool(nesterov))


def adam(
    theta: Value, grad: Value, lr: Value, m: Value, v: Value, step: Value, *, beta_1: float = 0.9,
    beta_2: float = 0.999, epsilon: float = 1e-7,
) -> None:  # fmt: skip
    """One step of Adam: theta -= α·m / (√v + epsilon), m and v being running means of grad and of its square.

    Args:
        theta: the weights, a variable.
        grad: their gradient.
        lr: learning rate, shape (1,) or ().
        m: first moment, a variable shaped as theta.
        v: second moment, a variable shaped as theta.
        step: int64[1], how many steps were taken before this one; `increment` it afterwards.
        beta_1: share of m that is kept.
        beta_2: share of v that is kept.
        epsilon: keeps the quotient finite.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta, m or v is not a variable.
    """
    _variable("adam", theta=theta, m=m, v=v)
    attrs = {"beta_1": float(beta_1), "beta_2": float(beta_2), "epsilon": float(epsilon)}
    emit("adam", [theta, grad, lr, m, v, step], **attrs)


def assign(variable: Value, value: Any) -> None:
    """variable = value, both float32.  Raises ShapeError unless shapes are equal, TypeError unless it is a variable."""
    _variable("assign", variable=variable)
    emit("assign", [variable, value])


def increment(counter: Value) -> None:
    """counter += 1, for an int64[1] variable.  Raises TypeError for another kind of value."""
    _variable("increment", counter=counter)
    emit("increment", [counter])
