"""Random numbers from a generator without a state: dropout, noise, random maps of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import random as k

from .broadcast import blocks, expect_float


class Dropout(Op):
    """y = x·mask / (1 - rate); the mask follows from attribute `seed`, the counter and the place of each number.

    The gradient makes the mask again from the same counter, so a training step increments it at its end.
    """

    name = "dropout"
    random = True

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, counter = specs
        expect_float(x)
        if counter.shape != (1,) or counter.dtype != "int64":
            raise ShapeError(f"expected a counter int64[1], got {counter}")
        if not 0 <= attrs["rate"] < 1:
            raise ShapeError(f"expected 0 <= rate < 1, got rate={attrs['rate']}")
        return [Spec(x.shape)]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("dropout", [dys[0], node.inputs[1]], **node.attrs), None]

    def lower(self, node: Node) -> list[Call]:
        n, rate = node.output.spec.size, node.attrs["rate"]
        threshold = round(rate * 2**32)
        args = (*node.inputs, node.output, n, _signed(node.attrs["seed"]), threshold, 1 / (1 - rate))
        return [Call(k.dropout, args, blocks(n), 30.0 * n)]


class _Drawn(Op):
    """Numbers of attribute `shape`; they follow from attribute `seed`, the counter and the place of each."""

    random = True
    no_gradient = "random numbers depend on nothing"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        if specs[0].shape != (1,) or specs[0].dtype != "int64":
            raise ShapeError(f"expected a counter int64[1], got {specs[0]}")
        return [Spec.of(attrs["shape"])]


def _signed(seed: int) -> int:
    """A seed of 64 bits as an int64."""
    return (int(seed) + 2**63) % 2**64 - 2**63


class RandomUniform(_Drawn):
    """Numbers from [low, high), all equally likely."""

    name = "random_uniform"

    def lower(self, node: Node) -> list[Call]:
        n, a = node.output.spec.size, node.attrs
        args = (node.inputs[0], node.output, n, _signed(a["seed"]), a["low"], a["high"] - a["low"])
        return [Call(k.uniform, args, blocks(n), 30.0 * n)]


class RandomNormal(_Drawn):
    """Normally distributed numbers of attributes `mean` and `deviation`."""

    name = "random_normal"

    def lower(self, node: Node) -> list[Call]:
        n, a = node.output.spec.size, node.attrs
        args = (node.inputs[0], node.output, n, _signed(a["seed"]), a["mean"], a["deviation"])
        return [Call(k.normal, args, blocks(n), 60.0 * n)]


class RandomAffine(Op):
    """An affine map for each image, see `affine`: flips, shifts, turns and growths drawn from attributes' ranges."""

    name = "random_affine"
    random = True
    no_gradient = "random numbers depend on nothing"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        counter, shape = specs[0], attrs["image_shape"]
        if counter.shape != (1,) or counter.dtype != "int64":
            raise ShapeError(f"expected a counter int64[1], got {counter}")
        if len(shape) != 4:
            raise ShapeError(f"expected images of shape (n, h, w, c), got {tuple(shape)}")
        return [Spec.of((shape[0], 6))]

    def lower(self, node: Node) -> list[Call]:
        a = node.attrs
        n, h, w, _ = a["image_shape"]
        flips = int(a["flip"][0]) + 2 * int(a["flip"][1])
        x_zoom = a["y_zoom"] if a["x_zoom"] is None else a["x_zoom"]
        ranges = (a["y_shift"], a["x_shift"], a["turn"], a["y_zoom"], x_zoom)
        drawn = [v for low, high in ranges for v in (float(low), float(high) - float(low))]
        args = (node.inputs[0], node.output, n, _signed(a["seed"]), float(h), float(w), flips, *drawn)
        return [Call(k.affine, (*args, int(a["x_zoom"] is None)), n, 200.0 * n)]


def random_uniform(counter: Value, shape: Sequence[int], low: float = 0.0, high: float = 1.0, *, seed: int) -> Value:
    """Numbers from [low, high); the same counter and seed (64 bits) give the same.

    Raises:
        ShapeError: if the counter is not int64[1].
    """
    y: Value = emit("random_uniform", [counter], shape=tuple(shape), low=float(low), high=float(high), seed=int(seed))
    return y


def random_normal(
    counter: Value, shape: Sequence[int], mean: float = 0.0, deviation: float = 1.0, *, seed: int
) -> Value:
    """Normally distributed numbers; the same counter and seed (64 bits) give the same.

    Raises:
        ShapeError: if the counter is not int64[1].
    """
    y: Value = emit(
        "random_normal", [counter], shape=tuple(shape), mean=float(mean), deviation=float(deviation), seed=int(seed)
    )
    return y


def random_affine(
    counter: Value, image_shape: Sequence[int], *, seed: int, flip: tuple[bool, bool] = (False, False),
    y_shift: tuple[float, float] = (0.0, 0.0), x_shift: tuple[float, float] = (0.0, 0.0),
    turn: tuple[float, float] = (0.0, 0.0), y_zoom: tuple[float, float] = (0.0, 0.0),
    x_zoom: tuple[float, float] | None = None,
) -> Value:  # fmt: skip
    """One map for each image, for `affine`, about the middle of the image.

    Args:
        counter: int64[1]; the same counter and seed give the same maps.
        image_shape: (n, h, w, c).
        seed: 64 bits, another for each layer.
        flip: whether half of the images change left and right, and whether half change up and down.
        y_shift: range of the shift downwards, as a share of h.
        x_shift: range of the shift to the right, as a share of w.
        turn: range of the rotation against the clock, in full turns.
        y_zoom: range of what the distance between pixels grows by along h, as a share: above 0 shows more of the image.
        x_zoom: the same along w; None for the number drawn for h.

    Raises:
        ShapeError: if the counter or the shape is not as described.
    """
    y: Value = emit(
        "random_affine", [counter], image_shape=tuple(image_shape), seed=int(seed), flip=tuple(flip),
        y_shift=tuple(y_shift), x_shift=tuple(x_shift), turn=tuple(turn), y_zoom=tuple(y_zoom),
        x_zoom=None if x_zoom is None else tuple(x_zoom),
    )  # fmt: skip
    return y


def dropout(x: Value, counter: Any, rate: float, seed: int) -> Value:
    """Set a random share `rate` of the numbers to zero and divide the others by 1 - rate.

    Args:
        x: any shape.
        counter: int64[1]; the same counter and seed give the same mask.
        rate: from 0 up to, but not including, 1.
        seed: 64 bits, another for each layer.

    Raises:
        ShapeError: if the counter or the rate is not as described.

    >>> import numpy as np
    >>> from edgenet.graph import Graph, Variable
    >>> graph = Graph()
    >>> step = graph.variable(Variable(np.zeros(1, np.int64), "step", trainable=False))
    >>> dropout(graph.input(("batch", 128)), step, rate=0.5, seed=1)
    %dropout: float32[batch, 128]
    """
    y: Value = emit("dropout", [x, counter], rate=float(rate), seed=int(seed))
    return y
