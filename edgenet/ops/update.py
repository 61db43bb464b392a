"""What a training step writes: weights, slots of the optimizer, counters; the clipping of gradients.

The ops that write have no outputs.  They write variables in place, in the order in which they stand in the graph, so
whatever reads the old value of a variable has to stand before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import At, Call, Cost, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import update as k
from edgenet.kernels.cpu.elementwise import BLOCK
from edgenet.kernels.cpu.movement import COPY_BLOCK, copy

from .broadcast import blocks, expect_float


def expect_variable(op: str, **values: Any) -> None:
    """Raise TypeError unless all values are variables."""
    for name, value in values.items():
        if value is not None and getattr(value, "variable", None) is None:
            raise TypeError(f"{op}: {name} is written in place: expected the value of a variable, got {value!r}")


class Update(Op):
    """Base of the ops that write weights and slots of an optimizer."""

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

    @staticmethod
    def expect_step(spec: Any) -> None:
        """Raise ShapeError unless it is a counter."""
        if spec.shape != (1,) or spec.dtype != "int64":
            raise ShapeError(f"expected a step int64[1], got {spec}")

    def cost(self, node: Node) -> Cost:
        theta = node.inputs[0]
        assert theta is not None
        moved = sum(v.spec.size_bytes for v in node.inputs if v is not None)
        return Cost(4 * theta.spec.size, 2 * moved)


class Sgd(Update):
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


class Lion(Update):
    """Inputs theta, gradient, lr[1], m; attributes beta_1, beta_2."""

    name = "lion"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0, 1, 3), 2)
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, g, lr, m = node.inputs
        assert theta is not None
        n, b1, b2 = theta.spec.size, float(node.attrs["beta_1"]), float(node.attrs["beta_2"])
        return [Call(k.lion, (theta, m, g, lr, n, b1, 1 - b1, b2, 1 - b2), blocks(n), 24.0 * n)]


class Decay(Update):
    """Inputs theta, lr[1]; attributes rate, spans (tuple of (first, last), or None for all of theta)."""

    name = "decay"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self.expect(specs, (0,), 1)
        return []

    def lower(self, node: Node) -> list[Call]:
        theta, lr = node.inputs
        assert theta is not None
        spans = node.attrs["spans"]
        calls = []
        for first, last in ((0, theta.spec.size),) if spans is None else spans:
            args = (At(theta, first), lr, last - first, float(node.attrs["rate"]))
            calls.append(Call(k.decay, args, blocks(last - first), 8.0 * (last - first)))
        return calls


class Average(Update):
    """Inputs mean, theta, step int64[1]; attributes momentum, every."""

    name = "average"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        if specs[0].shape != specs[1].shape:
            raise ShapeError(f"expected weights and average of one shape, got {specs[1].shape} and {specs[0].shape}")
        expect_float(*specs[:2])
        self.expect_step(specs[2])
        return []

    def lower(self, node: Node) -> list[Call]:
        mean, theta, step = node.inputs
        assert theta is not None
        n, momentum = theta.spec.size, float(node.attrs["momentum"])
        args = (mean, theta, step, n, momentum, 1 - momentum, int(node.attrs["every"]))
        return [Call(k.average, args, blocks(n), 16.0 * n)]


class ClipNorm(Op):
    """y = g·norm / max(‖g‖, norm) for each of the parts of g whose sizes are given."""

    name = "clip_norm"
    no_gradient = "it prepares gradients for an optimizer"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        (g,) = specs
        expect_float(g)
        if g.shape != (sum(attrs["sizes"]),):
            raise ShapeError(f"expected gradients of sizes {attrs['sizes']} one behind the other, got shape {g.shape}")
        return [Spec(g.shape)]

    def lower(self, node: Node) -> list[Call]:
        g, y, sizes = node.inputs[0], node.output, node.attrs["sizes"]
        pieces = [blocks(n) for n in sizes]
        count, n = sum(pieces), y.spec.size
        ends = np.cumsum(sizes)
        starts = [np.arange(end - size, end, BLOCK) for size, end in zip(sizes, ends, strict=True)]
        table = np.array([*np.concatenate(starts), n], np.int64)
        owners = np.repeat(np.arange(len(sizes)), pieces).astype(np.int64)
        first = np.concatenate([[0], np.cumsum(pieces)]).astype(np.int64)
        partial, factors = Scratch(max(count, 1)), Scratch(len(sizes))
        return [
            Call(k.squares, (g, table, partial), count, 4.0 * n),
            Call(k.norm_factors, (partial, first, factors, float(node.attrs["norm"])), len(sizes), 4.0 * count),
            Call(k.scale_spans, (g, y, table, owners, factors), count, 8.0 * n),
        ]


class Assign(Update):
    """variable = value, or keep·variable + (1 - keep)·value."""

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
        n, keep = variable.spec.size, node.attrs["keep"]
        if keep:
            return [Call(k.blend, (variable, value, n, keep, 1 - keep), blocks(n), 12.0 * n)]
        return [Call(copy, (value, variable, n), -(-n // COPY_BLOCK), 8.0 * n)]


class Increment(Update):
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
    expect_variable("sgd", theta=theta, velocity=velocity)
    emit("sgd", [theta, grad, lr, velocity], momentum=float(momentum), nesterov=bool(nesterov))


def lion(theta: Value, grad: Value, lr: Value, m: Value, *, beta_1: float = 0.9, beta_2: float = 0.99) -> None:
    """One step of Lion: theta -= lr·sign(β₁m + (1 - β₁)grad), m ← β₂m + (1 - β₂)grad.

    Args:
        theta: the weights, a variable.
        grad: their gradient.
        lr: learning rate, shape (1,) or ().
        m: running mean, a variable shaped as theta.
        beta_1: share of m in the direction.
        beta_2: share of m that is kept.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if theta or m is not a variable.
    """
    expect_variable("lion", theta=theta, m=m)
    emit("lion", [theta, grad, lr, m], beta_1=float(beta_1), beta_2=float(beta_2))


def decay(theta: Value, lr: Value, rate: float, spans: Sequence[tuple[int, int]] | None = None) -> None:
    """theta -= lr·rate·theta, everywhere or in the spans [first, last) of a flat theta.

    Raises:
        ShapeError: if the learning rate is not one number.
        TypeError: if theta is not a variable.
    """
    expect_variable("decay", theta=theta)
    emit("decay", [theta, lr], rate=float(rate), spans=None if spans is None else tuple(spans))


def average(mean: Value, theta: Value, step: Value, *, momentum: float = 0.99, every: int = 0) -> None:
    """mean ← momentum·mean + (1 - momentum)·theta, and mean = theta where step is 0.

    Args:
        mean: a variable shaped as theta.
        theta: the weights, a variable.
        step: int64[1], how many steps were taken before this one.
        momentum: share of the mean that is kept.
        every: theta becomes the mean in every so-manieth step; 0 for never.

    Raises:
        ShapeError: if the shapes do not fit together.
        TypeError: if mean or theta is not a variable.
    """
    expect_variable("average", mean=mean, theta=theta)
    emit("average", [mean, theta, step], momentum=float(momentum), every=int(every))


def clip_norm(grad: Value, norm: float, sizes: Sequence[int] | None = None) -> Value:
    """Scale the parts of a flat gradient down to a Euclidean norm of at most `norm`; NaN where a norm is not finite.

    Args:
        grad: shape (n,).
        norm: the bound.
        sizes: numbers of each part, one behind the other; None for one part.

    Raises:
        ShapeError: if the sizes do not add up to n.

    >>> from edgenet.compile import compile_graph
    >>> from edgenet.graph import Graph
    >>> graph = Graph()
    >>> graph.outputs = [clip_norm(graph.input((4,)), 5, sizes=[2, 2])]
    >>> compile_graph(graph).run([6, 8, 0, 2])[0]
    array([3., 4., 0., 2.], dtype=float32)
    """
    parts = (grad.spec.size,) if sizes is None else tuple(int(n) for n in sizes)
    y: Value = emit("clip_norm", [grad], norm=float(norm), sizes=parts)
    return y


def assign(variable: Value, value: Any, *, keep: float = 0.0) -> None:
    """variable = value, or keep·variable + (1 - keep)·value, a moving mean; both are float32.

    Raises:
        ShapeError: if the shapes differ.
        TypeError: if it is no variable.
    """
    expect_variable("assign", variable=variable)
    emit("assign", [variable, value], keep=float(keep))


def increment(counter: Value) -> None:
    """counter += 1, for an int64[1] variable.  Raises TypeError for another kind of value."""
    expect_variable("increment", counter=counter)
    emit("increment", [counter])
