"""Pooling over windows of NHWC images: the maximum and the average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Layout, Layouts, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.graph.layout import NO_BORDER, Pads
from edgenet.graph.spec import Dim
from edgenet.kernels.cpu import pool as k

from .geometry import Image, image


def _output_shape(x: Sequence[Dim], attrs: dict[str, Any]) -> tuple[Dim, ...]:
    """Shape of y.  Raises ShapeError, naming what does not fit."""
    if len(x) != 4 or any(isinstance(d, str) for d in x[1:]):
        raise ShapeError(f"expected x of shape (n, h, w, c) with h, w and c known, got {tuple(x)}")
    n, *_, c = x
    h, w = (d for d in x[1:3] if isinstance(d, int))
    out: list[Dim] = []
    for axis, size, pool, stride, pads in zip(
        "hw", (h, w), attrs["pool"], attrs["strides"], attrs["padding"], strict=True
    ):
        if pool < 1 or stride < 1 or min(pads) < 0:
            raise ShapeError(f"expected pool and strides of at least 1 and padding of at least 0, got {attrs}")
        if max(pads) >= pool:
            raise ShapeError(
                f"along {axis} a window of {pool} would lie wholly in the padding {pads}: "
                f"padding must be less than pool"
            )
        if not size or size + sum(pads) < pool:
            raise ShapeError(
                f"the window of {pool} does not fit into {axis}={size} with padding {pads} (x has shape {tuple(x)}): "
                f"use a smaller window or more padding"
            )
        out.append((size + sum(pads) - pool) // stride + 1)
    return (n, *out, c)


def _sizes(x: Sequence[int], y: Sequence[int], attrs: dict[str, Any]) -> tuple[int, ...]:
    """Arguments that all kernels share: h w c, oh ow, kh kw, sh sw, top left."""
    (top, _), (left, _) = attrs["padding"]
    return (*x[1:], *y[1:3], *attrs["pool"], *attrs["strides"], top, left)


def _window(attrs: dict[str, Any]) -> int:
    return int(attrs["pool"][0] * attrs["pool"][1])


def _inside(attrs: dict[str, Any]) -> bool:
    """Whether there are kernels for such windows, all of which lie inside the image."""
    return attrs["pool"] in ((2, 2), (3, 3)) and not any(map(any, attrs["padding"]))


def _check_dy(got: Sequence[Dim], x: Sequence[Dim], attrs: dict[str, Any]) -> None:
    want = _output_shape(x, attrs)
    if tuple(got) != want:
        raise ShapeError(f"expected dy of shape {want} for x of shape {tuple(x)}, got {tuple(got)}")


class MaxPool(Op):
    """y[n, p, q, c] = max of x[n, i, j, c] over window (p, q); padding is never the maximum, NaN is."""

    name = "max_pool"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        return [Spec(_output_shape(specs[0].shape, attrs))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        return [emit("max_pool_dx", [node.inputs[0], node.output, dys[0]], **node.attrs)]

    def lower(self, node: Node) -> list[Call]:
        x, y = node.inputs[0], node.output
        assert x is not None
        (n, oh, ow, c), source, target = y.spec.sizes, image(x), image(y)
        kernel, sizes = k.max_pool, _sizes(x.spec.sizes, y.spec.sizes, node.attrs)
        if _inside(node.attrs) and c < k.WIDE:
            kernel, sizes = k.max_inside[node.attrs["pool"][0]], (c, oh, ow, *node.attrs["strides"])
        args = (source.origin, target.origin, *sizes, *source.strides, *target.strides)
        return [Call(kernel, args, n * oh, 1.0 * _window(node.attrs) * y.spec.size, n)]

    def layouts(self, node: Node) -> Layouts:
        return Layouts((*(v for v in node.inputs if v is not None), node.output))

    def cost(self, node: Node) -> Cost:
        return Cost(_window(node.attrs) * node.output.spec.size, super().cost(node).bytes)


class MaxPoolDx(Op):
    """dx: each dy goes to the first pixel of its window, row by row, that holds the maximum."""

    name = "max_pool_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, y, dy = specs
        _check_dy(y.shape, x.shape, attrs)
        _check_dy(dy.shape, x.shape, attrs)
        return [Spec(x.shape)]

    def lower(self, node: Node) -> list[Call]:
        x, y, dy = (v for v in node.inputs if v is not None)
        n, _, _, c = x.spec.sizes
        oh, ow = y.spec.sizes[1:3]
        images = [image(v) for v in (x, y, dy, node.output)]
        origins, strides = [i.origin for i in images], [step for i in images for step in i.strides]
        work = 3.0 * _window(node.attrs) * y.spec.size
        if _inside(node.attrs) and node.attrs["strides"] == node.attrs["pool"]:
            kernel = k.max_inside_dx[node.attrs["pool"][0]]
            return [Call(kernel, (*origins, *x.spec.sizes[1:], oh, ow, *strides), n * oh, work, n)]
        apart = node.attrs["strides"][0] >= node.attrs["pool"][0]  # no two rows of windows share a row of x
        bands, blocks = (oh, 1) if apart else (1, max(1, -(-c // k.CHANNEL_BLOCK)))
        sizes = _sizes(x.spec.sizes, y.spec.sizes, node.attrs)
        return [Call(k.max_pool_dx, (*origins, *sizes, *strides, bands, blocks), n * bands * blocks, work, n)]

    def layouts(self, node: Node) -> Layouts:
        return Layouts((*(v for v in node.inputs if v is not None), node.output))

    def cost(self, node: Node) -> Cost:
        y = node.inputs[1]
        assert y is not None
        return Cost(2 * _window(node.attrs) * y.spec.size, super().cost(node).bytes)


class AvgPool(Op):
    """y[n, p, q, c] = mean of x[n, i, j, c] over window (p, q); padding counts as zeros only if include_pad."""

    name = "avg_pool"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        return [Spec(_output_shape(specs[0].shape, attrs))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        x = node.inputs[0]
        assert x is not None
        return [emit("avg_pool_dx", [dys[0]], x_shape=x.shape, **node.attrs)]

    def lower(self, node: Node) -> list[Call]:
        x, y = node.inputs[0], node.output
        assert x is not None
        n, oh, *_ = y.spec.sizes
        source, target = image(x), image(y)
        sizes = _sizes(x.spec.sizes, y.spec.sizes, node.attrs)
        args = (source.origin, target.origin, *sizes, *source.strides, *target.strides, int(node.attrs["include_pad"]))
        return [Call(k.avg_pool, args, n * oh, 1.0 * _window(node.attrs) * y.spec.size, n)]

    def layouts(self, node: Node) -> Layouts:
        return Layouts((*(v for v in node.inputs if v is not None), node.output))

    def cost(self, node: Node) -> Cost:
        return Cost(_window(node.attrs) * node.output.spec.size, super().cost(node).bytes)


class AvgPoolDx(Op):
    """dx[n, i, j, c] = sum over the windows (p, q) that cover (i, j) of dy[n, p, q, c] / count(p, q)."""

    name = "avg_pool_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check_dy(specs[0].shape, attrs["x_shape"], attrs)
        return [Spec.of(attrs["x_shape"])]

    def lower(self, node: Node) -> list[Call]:
        dy, dx = node.inputs[0], node.output
        assert dy is not None
        n, h, _, _ = dx.spec.sizes
        sizes, source, target = _sizes(dx.spec.sizes, dy.spec.sizes, node.attrs), image(dy), image(dx)
        out: list[Call] = []
        scale = 1.0 / _window(node.attrs)
        if any(map(any, node.attrs["padding"])) and not node.attrs["include_pad"]:  # windows of different counts
            divided = Image(Scratch(dy.spec.size), *Layout.dense(dy.spec.sizes).strides[:3])
            counted = (source.origin, divided.origin, *sizes, *source.strides)
            out.append(Call(k.divide_by_count, counted, n * dy.spec.sizes[1], 4.0 * dy.spec.size))
            source, scale = divided, 1.0
        work = 1.0 * _window(node.attrs) * dy.spec.size + 4.0 * dx.spec.size
        args = (source.origin, target.origin, *sizes, *source.strides, *target.strides, scale)
        return [*out, Call(k.avg_pool_dx, args, n * h, work, n)]

    def layouts(self, node: Node) -> Layouts:
        return Layouts((*(v for v in node.inputs if v is not None), node.output))

    def cost(self, node: Node) -> Cost:
        dy = node.inputs[0]
        assert dy is not None
        return Cost(_window(node.attrs) * dy.spec.size, super().cost(node).bytes)


def max_pool(
    x: Value, pool: tuple[int, int], strides: tuple[int, int] | None = None, padding: Pads = NO_BORDER
) -> Value:
    """The maximum of each window: y[n, p, q, c] = max x[n, p·sh - top + i, q·sw - left + j, c] over i < kh, j < kw.

    Pixels outside of x do not count; a NaN is larger than any number.  The gradient goes to the first maximum of the
    window, row by row.

    Args:
        x: (n, h, w, c).
        pool: (kh, kw), the window.
        strides: (sh, sw), by default the window.
        padding: ((top, bottom), (left, right)), each less than the window.

    Raises:
        ShapeError: if the window does not fit, or could lie wholly in the padding.

    Example:
        >>> from edgenet.graph import Graph
        >>> max_pool(Graph().input(("batch", 28, 28, 16)), (2, 2))
        %max_pool: float32[batch, 14, 14, 16]
    """
    return _pool("max_pool", x, pool, strides, padding)


def avg_pool(
    x: Value,
    pool: tuple[int, int],
    strides: tuple[int, int] | None = None,
    padding: Pads = NO_BORDER,
    include_pad: bool = False,
) -> Value:
    """The average of each window: y[n, p, q, c] = sum x[n, p·sh - top + i, q·sw - left + j, c] / count.

    The sum runs over i < kh, j < kw; `count` is the number of pixels of the window that lie in x, or with
    `include_pad` always kh·kw.

    Args:
        x: (n, h, w, c).
        pool: (kh, kw), the window.
        strides: (sh, sw), by default the window.
        padding: ((top, bottom), (left, right)), each less than the window.
        include_pad: count padding as zeros (ONNX: count_include_pad).

    Raises:
        ShapeError: if the window does not fit, or could lie wholly in the padding.

    Example:
        >>> from edgenet.graph import Graph
        >>> avg_pool(Graph().input((1, 7, 7, 16)), (3, 3), (2, 2), ((1, 1), (1, 1)))
        %avg_pool: float32[1, 4, 4, 16]
    """
    return _pool("avg_pool", x, pool, strides, padding, include_pad=bool(include_pad))


def _pool(name: str, x: Value, pool: Any, strides: Any, padding: Any, **attrs: Any) -> Value:
    (top, bottom), (left, right) = padding
    strides = pool if strides is None else strides
    around = ((int(top), int(bottom)), (int(left), int(right)))
    y = emit(name, [x], pool=tuple(pool), strides=tuple(strides), padding=around, **attrs)
    assert isinstance(y, Value)
    return y
