"""The sliding window of a convolution or pooling as ONNX describes it: strides, dilations, pads, auto_pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from edgenet.graph import Value

from .arrange import Axes, channels_last
from .node import OnnxNode
from .tensor import Tensor, reshape

Pads = tuple[tuple[int, int], ...]


class Window(NamedTuple):
    """One entry for each of two or three spatial axes; a single spatial axis stands along w, and h is 1."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Pads
    given: Pads
    """the padding, without what ceil_mode has put at the end"""


def images(node: OnnxNode, x: Tensor) -> Value:
    """The input as (n, h, w, c), or (n, d, h, w, c); a sequence (n, c, l) of ONNX becomes (n, 1, l, c)."""
    if x.rank not in (3, 4, 5):
        node.refuse(f"expected an input with 1, 2 or 3 spatial axes, got shape {list(x.shape)}")
    if any(isinstance(s, str) for s in x.shape[1:]):
        node.refuse(f"its input of shape {list(x.shape)} needs known sizes: pass `shapes` that makes them numbers")
    n, c, *spatial = x.shape
    return reshape(x.last(), (n, 1, *spatial, c)) if x.rank == 3 else x.last()


def result(x: Tensor, y: Value) -> Tensor:
    """What `images` made of x, computed on, as an ONNX tensor again."""
    if x.rank > 3:
        return Tensor.held(y, channels_last(x.rank))
    n, _, *rest = y.shape
    return Tensor.held(reshape(y, (n, *rest)), (0, 2, 1))


def kernel_axes(w: Tensor) -> tuple[Axes, tuple[Any, ...]]:
    """How a kernel (co, ci, kh, kw) of ONNX becomes (kh, kw, ci, co), and the shape to give it before."""
    if w.rank == 5:
        return (2, 3, 4, 1, 0), w.shape
    return (2, 3, 1, 0), (*w.shape[:2], *((1,) if w.rank == 3 else ()), *w.shape[2:])


def read_window(node: OnnxNode, sizes: Sequence[Any], kernel: Sequence[int], *, ceil: bool = False) -> Window:
    """The attributes of a node over spatial axes of those sizes."""
    axes = len(sizes)
    strides = node.ints("strides", (1,) * axes, axes)
    dilation = node.ints("dilations", (1,) * axes, axes)
    if min((*strides, *dilation, *kernel)) < 1:
        node.refuse(f"expected a kernel, strides and dilations of at least 1, got {kernel}, {strides}, {dilation}")
    if max((*strides, *dilation, *kernel)) >= 1 << 31:  # none of them is meant, and kernels would wrap around
        node.refuse(f"a kernel of {kernel}, strides of {strides} and dilations of {dilation} are too large")
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    auto = node.attr("auto_pad", "NOTSET")
    if auto == "NOTSET":
        pads = node.ints("pads", (0,) * 2 * axes, 2 * axes)
    else:
        node.ignore("pads")
        pads = auto_pads(node, auto, sizes, spans, strides)
    padding = tuple(zip(pads[:axes], pads[axes:], strict=True))
    if any(p < 0 for p in pads):
        node.refuse(f"negative padding {list(pads)} is not supported")
    given = padding
    if ceil and node.attr("ceil_mode", 0) and auto == "NOTSET":
        padding = tuple(
            (a, b + _surplus(n, span, stride, a, b))
            for n, span, stride, (a, b) in zip(sizes, spans, strides, padding, strict=True)
        )
    if axes == 1:
        kernel, strides, dilation = (1, *kernel), (1, *strides), (1, *dilation)
        padding, given = ((0, 0), *padding), ((0, 0), *given)
    return Window(tuple(kernel), strides, dilation, padding, given)


def auto_pads(
    node: OnnxNode, auto: str, sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int]
) -> tuple[int, ...]:
    """Padding, first all begins and then all ends, that makes the output ceil(size / stride) long."""
    if auto == "VALID":
        return (0,) * 2 * len(sizes)
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        node.refuse(f"auto_pad={auto!r} is not supported")
    totals = [max((-(-n // s) - 1) * s + span - n, 0) for n, span, s in zip(sizes, spans, strides, strict=True)]
    less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
    return (*less, *more) if auto == "SAME_UPPER" else (*more, *less)


def _surplus(size: int, span: int, stride: int, before: int, after: int) -> int:
    """How much more padding at the end lets a last, partial window count: it must begin before the padding does."""
    outputs = -(-(size + before + after - span) // stride) + 1
    if (outputs - 1) * stride >= size + before:
        outputs -= 1
    return max((outputs - 1) * stride + span - size - before - after, 0)


def write_window(kernel: Sequence[int], attrs: dict[str, Any]) -> dict[str, Any]:
    """The attributes of ONNX for those of an op of edgenet."""
    (top, bottom), (left, right) = attrs["padding"]
    window = {"kernel_shape": list(kernel), "strides": list(attrs["strides"]), "pads": [top, left, bottom, right]}
    if "dilation" in attrs:
        window |= {"dilations": list(attrs["dilation"]), "group": attrs["groups"]}
    return window
