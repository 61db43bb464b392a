"""Losses from logits, one number a sample (or, for the sigmoid, a logit), and one_hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import loss as k

from .broadcast import blocks, expect_float

#: logits in the rows of one task
TASK = 2048


def _rows(node: Node, kernel: Any) -> list[Call]:
    """The call of a kernel over the rows of logits[n, c]."""
    logits = node.inputs[0]
    assert logits is not None
    c = logits.spec.sizes[-1]
    n = logits.spec.size // c if c else 0
    height = max(1, TASK // max(c, 1))
    return [Call(kernel, (*node.inputs, node.output, n, c, height), -(-n // height), 30.0 * n * c)]


class _Loss(Op):
    def cost(self, node: Node) -> Cost:
        logits = node.inputs[0]
        assert logits is not None
        return Cost(10 * logits.spec.size, super().cost(node).bytes)


def _check_classes(logits: Spec, other: Spec, what: str, shape: tuple[Any, ...]) -> None:
    expect_float(logits)
    if not logits.rank or logits.shape[-1] == 0:
        raise ShapeError(f"expected logits with at least one class in the last axis, got shape {logits.shape}")
    if other.shape != shape:
        raise ShapeError(f"logits of shape {logits.shape} need {what} of shape {shape}, got {other.shape}")


class SparseSoftmaxCrossEntropy(_Loss):
    """y = log sum e^z - z[label], for logits z[..., c] and int32 labels [...]; NaN for a label outside [0, c)."""

    name = "sparse_softmax_cross_entropy"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        logits, labels = specs[:2]
        _check_classes(logits, labels, "labels", logits.shape[:-1])
        if labels.dtype != "int32":
            raise ShapeError(f"expected int32 labels, got {labels.dtype}")
        return [Spec(labels.shape)]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("sparse_softmax_cross_entropy_dx", [*node.inputs, dys[0]]), None]

    def lower(self, node: Node) -> list[Call]:
        return _rows(node, k.sparse_softmax_cross_entropy)


class SparseSoftmaxCrossEntropyDx(_Loss):
    """dz = (softmax(z) - one_hot(label))·dy, from logits, labels and dy."""

    name = "sparse_softmax_cross_entropy_dx"
    no_gradient = "second derivatives are not provided"

    def lower(self, node: Node) -> list[Call]:
        return _rows(node, k.sparse_softmax_cross_entropy_dx)


class SoftmaxCrossEntropy(_Loss):
    """y = -sum t·log softmax(z), for logits z and targets t of one shape [..., c]."""

    name = "softmax_cross_entropy"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        logits, targets = specs[:2]
        expect_float(targets)
        _check_classes(logits, targets, "targets", logits.shape)
        return [Spec(logits.shape[:-1])]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        logits, targets = node.inputs
        assert logits is not None
        dz = emit("softmax_cross_entropy_dx", [logits, targets, dys[0]])
        column = emit("reshape", [dys[0]], shape=(*logits.shape[:-1], 1))
        return [dz, -emit("log_softmax", [logits], axis=-1) * column]

    def lower(self, node: Node) -> list[Call]:
        return _rows(node, k.softmax_cross_entropy)


class SoftmaxCrossEntropyDx(_Loss):
    """dz = (softmax(z)·sum t - t)·dy, from logits, targets and dy."""

    name = "softmax_cross_entropy_dx"
    no_gradient = "second derivatives are not provided"

    def lower(self, node: Node) -> list[Call]:
        return _rows(node, k.softmax_cross_entropy_dx)


class SigmoidCrossEntropy(_Loss):
    """y = -t·log s - (1 - t)·log(1 - s) where s = sigmoid(z), for logits z and targets t of one shape."""

    name = "sigmoid_cross_entropy"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        expect_float(*specs)
        logits, targets = specs[:2]
        if targets.shape != logits.shape:
            raise ShapeError(f"logits of shape {logits.shape} need targets of that shape, got {targets.shape}")
        return [Spec(logits.shape)]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        logits = node.inputs[0]
        assert logits is not None
        return [emit("sigmoid_cross_entropy_dx", [*node.inputs, dys[0]]), -logits * dys[0]]

    def lower(self, node: Node) -> list[Call]:
        n = node.output.spec.size
        return [Call(k.sigmoid_cross_entropy, (*node.inputs, node.output, n), blocks(n), 60.0 * n)]


class SigmoidCrossEntropyDx(_Loss):
    """dz = (sigmoid(z) - t)·dy, from logits, targets and dy."""

    name = "sigmoid_cross_entropy_dx"
    no_gradient = "second derivatives are not provided"

    def lower(self, node: Node) -> list[Call]:
        n = node.output.spec.size
        return [Call(k.sigmoid_cross_entropy_dx, (*node.inputs, node.output, n), blocks(n), 35.0 * n)]


class OneHot(Op):
    """y[..., j] = 1 where j = label, else 0, for j < attribute `depth`; a label outside gives zeros only."""

    name = "one_hot"
    no_gradient = "labels are integers"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        labels, depth = specs[0], attrs["depth"]
        if labels.dtype != "int32":
            raise ShapeError(f"expected int32 labels, got {labels.dtype}")
        if depth < 1:
            raise ShapeError(f"expected a depth of at least 1, got {depth}")
        return [Spec((*labels.shape, depth))]

    def lower(self, node: Node) -> list[Call]:
        depth, n = node.attrs["depth"], node.output.spec.size
        return [Call(k.one_hot, (node.inputs[0], node.output, n // depth, depth), n // depth, 4.0 * n)]


def sparse_softmax_cross_entropy(logits: Value, labels: Any) -> Value:
    """log sum e^z - z[label] for each sample.

    Args:
        logits: z, shape (..., c).
        labels: int32, shape (...); the loss of a label outside [0, c) is NaN.

    Raises:
        ShapeError: if the shapes do not fit together.

    >>> from edgenet.graph import Graph
    >>> graph = Graph()
    >>> sparse_softmax_cross_entropy(graph.input((32, 10)), graph.input((32,), "int32"))
    %sparse_softmax_cross_entropy: float32[32]
    """
    y: Value = emit("sparse_softmax_cross_entropy", [logits, labels])
    return y


def softmax_cross_entropy(logits: Value, targets: Any) -> Value:
    """-sum t·log softmax(z) for each sample; logits z and targets t have shape (..., c).

    Raises:
        ShapeError: if the shapes differ.
    """
    y: Value = emit("softmax_cross_entropy", [logits, targets])
    return y


def sigmoid_cross_entropy(logits: Value, targets: Any) -> Value:
    """-t·log s - (1 - t)·log(1 - s) with s = sigmoid(z) for each logit z and target t.

    Raises:
        ShapeError: if the shapes differ.
    """
    y: Value = emit("sigmoid_cross_entropy", [logits, targets])
    return y


def one_hot(x: Value, num_classes: int) -> Value:
    """1.0 at each int32 label along a new last axis of `num_classes`, else 0.0; only zeros for a label outside.

    Raises:
        ShapeError: if the labels are not int32 or `num_classes` is not positive.

    >>> from edgenet.graph import Graph
    >>> one_hot(Graph().input((32,), "int32"), 10)
    %one_hot: float32[32, 10]
    """
    y: Value = emit("one_hot", [x], depth=int(num_classes))
    return y
