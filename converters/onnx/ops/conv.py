"""Convolution: Conv ↔ conv2d, ConvTranspose ↔ conv2d_dx (the input gradient of a convolution is its transpose)."""

from __future__ import annotations

from typing import Any

from edgenet.graph import Node, emit
from edgenet.ops.volume import conv3d, conv3d_transpose

from ..arrange import channels_first
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one
from ..window import auto_pads, images, kernel_axes, read_window, result, write_window
from ..writer import Writer

IMAGE = channels_first(4)


def _kernel(node: OnnxNode, x: Tensor) -> tuple[Any, Any]:
    """The kernel tensor and its spatial sizes."""
    w = node.input(1)
    if w.rank != x.rank or any(isinstance(s, str) for s in w.shape):
        node.refuse(f"the kernel has shape {list(w.shape)}, which does not go with an input of shape {list(x.shape)}")
    sizes = w.shape[2:]
    if (said := node.ints("kernel_shape", sizes)) != sizes:
        node.refuse(f"kernel_shape is {list(said)}, but the kernel has shape {list(w.shape)}")
    return w, sizes


@importer("Conv", since=1)
def read_conv(node: OnnxNode) -> Tensor:
    x, b = node.input(0), node.optional(2)
    value = images(node, x)
    w, kernel = _kernel(node, x)
    window = read_window(node, x.shape[2:], kernel)
    groups = node.attr("group", 1)
    axes, shape = kernel_axes(w)
    kernel_value, bias = w.parameter(axes, shape), None if b is None else b.parameter()
    if x.rank == 5:
        attrs: dict[str, Any] = {"strides": window.strides, "padding": window.padding, "dilation": window.dilation}
        return result(x, conv3d(value, kernel_value, bias, groups=groups, **attrs))
    y = emit(
        "conv2d", [value, kernel_value, bias, None],
        strides=window.strides, padding=window.padding, dilation=window.dilation, groups=groups, activation=None,
    )  # fmt: skip
    return result(x, one(y))


@exporter("conv2d")
def write_conv(node: Node, out: Writer) -> None:
    x, w, b, res = node.inputs
    assert x is not None and w is not None
    inputs = [out.name(x, IMAGE), out.name(w, (3, 2, 0, 1)), *([] if b is None else [out.name(b)])]
    name = out.node("Conv", inputs, node.name, **write_window(w.shape[:2], node.attrs))
    if res is not None:
        name = out.node("Add", [name, out.name(res, IMAGE)], node.name)
    out.bind(node.output, IMAGE, out.activated(name, node.attrs["activation"]))


@importer("ConvTranspose", since=1)
def read_conv_transpose(node: OnnxNode) -> Tensor:
    x, b = node.input(0), node.optional(2)
    value = images(node, x)
    w, kernel = _kernel(node, x)
    groups, axes = node.attr("group", 1), len(kernel)
    strides = node.ints("strides", (1,) * axes, axes)
    dilation = node.ints("dilations", (1,) * axes, axes)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    extra = node.ints("output_padding", (0,) * axes, axes)
    full = [s * (n - 1) + e + span for s, n, e, span in zip(strides, x.shape[2:], extra, spans, strict=True)]
    pads, sizes = _transposed_pads(node, x, full, spans, strides)
    padding = tuple(zip(pads[:axes], pads[axes:], strict=True))
    if any(p < 0 for p in pads):  # the result is larger than what the kernel reaches: zeros, to which the bias is added
        beyond = tuple((max(-a, 0), max(-b, 0)) for a, b in padding)
        padding = tuple((max(a, 0), max(b, 0)) for a, b in padding)
        sizes = [n - sum(p) for n, p in zip(sizes, beyond, strict=True)]
    else:
        beyond = ((0, 0),) * axes
    if axes == 1:
        strides, dilation, padding, sizes = (1, *strides), (1, *dilation), ((0, 0), *padding), [1, *sizes]
        beyond = ((0, 0), *beyond)
    order, shape = kernel_axes(w)
    attrs: dict[str, Any] = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    x_shape = (x.shape[0], *sizes, w.shape[1] * groups)
    weights = w.parameter(order, shape)
    y = conv3d_transpose(value, weights, x_shape, **attrs) if x.rank == 5 else None
    y = one(emit("conv2d_dx", [value, weights], x_shape=x_shape, **attrs)) if y is None else y
    if any(map(any, beyond)):
        y = one(emit("pad", [y], padding=((0, 0), *beyond, (0, 0)), value=0.0))
    return result(x, y if b is None else one(emit("add", [y, b.parameter()])))


def _transposed_pads(
    node: OnnxNode, x: Tensor, full: list[int], spans: list[int], strides: tuple[int, ...]
) -> tuple[tuple[int, ...], list[int]]:
    """Padding (all begins, then all ends) and sizes of the result, which padding cuts out of the `full` one."""
    axes = len(full)
    auto, wanted = node.attr("auto_pad", "NOTSET"), node.ints("output_shape", ())
    if auto == "NOTSET" and not wanted:
        pads = node.ints("pads", (0,) * 2 * axes, 2 * axes)
    elif auto == "VALID":
        pads = auto_pads(node, auto, full, spans, strides)
    else:
        node.ignore("pads")
        wanted = wanted[-axes:] if wanted else tuple(n * s for n, s in zip(x.shape[2:], strides, strict=True))
        totals = [f - n for f, n in zip(full, wanted, strict=True)]
        less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
        pads = (*less, *more) if auto == "SAME_UPPER" else (*more, *less)
    return pads, [f - a - b for f, a, b in zip(full, pads[:axes], pads[axes:], strict=True)]


@exporter("conv2d_dx")
def write_conv_transpose(node: Node, out: Writer) -> None:
    dy, w = node.inputs
    assert dy is not None and w is not None
    attrs = node.attrs
    sizes = attrs["x_shape"][1:3], dy.shape[1:3], w.shape[:2]
    rows = zip(*sizes, attrs["strides"], attrs["dilation"], attrs["padding"], strict=True)
    extra = [x - s * (y - 1) - d * (k - 1) - 1 + a + b for x, y, k, s, d, (a, b) in rows]
    window = write_window(w.shape[:2], attrs)
    if any(extra):
        window["output_padding"] = extra
    name = out.node("ConvTranspose", [out.name(dy, IMAGE), out.name(w, (3, 2, 0, 1))], node.name, **window)
    out.bind(node.output, IMAGE, name)
