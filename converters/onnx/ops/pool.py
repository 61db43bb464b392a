"""Pooling: MaxPool ↔ max_pool, AveragePool ↔ avg_pool."""

from __future__ import annotations

from edgenet.graph import Node, emit

from ..arrange import channels_first
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one
from ..window import Window, images, read_window, result, write_window
from ..writer import Writer

IMAGE = channels_first(4)


def _window(node: OnnxNode, x: Tensor) -> Window:
    kernel = node.ints("kernel_shape", (), x.rank - 2)
    window = read_window(node, x.shape[2:], kernel, ceil=True)
    if any(d != 1 for d in window.dilation):
        node.refuse(f"dilations={list(window.dilation)} are not supported, only 1")
    return window


@importer("MaxPool", since=1)
def read_max_pool(node: OnnxNode) -> Tensor:
    x = node.input(0)
    value = images(node, x)
    node.ignore("storage_order")  # the order of the indices
    node.only_output("the indices")
    window = _window(node, x)
    y = emit("max_pool", [value], pool=window.kernel, strides=window.strides, padding=window.padding)
    return result(x, one(y))


@importer("AveragePool", since=7)
def read_avg_pool(node: OnnxNode) -> Tensor:
    x = node.input(0)
    value = images(node, x)
    window = _window(node, x)
    include = bool(node.attr("count_include_pad", 0))
    if include and window.ceiled:
        node.refuse("ceil_mode=1 with count_include_pad=1 is not supported")
    attrs = {"pool": window.kernel, "strides": window.strides, "padding": window.padding}
    return result(x, one(emit("avg_pool", [value], include_pad=include, **attrs)))


@exporter("max_pool")
def write_max_pool(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    name = out.node("MaxPool", [out.name(x, IMAGE)], node.name, **write_window(node.attrs["pool"], node.attrs))
    out.bind(node.output, IMAGE, name)


@exporter("avg_pool")
def write_avg_pool(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    window = write_window(node.attrs["pool"], node.attrs) | {"count_include_pad": int(node.attrs["include_pad"])}
    out.bind(node.output, IMAGE, out.node("AveragePool", [out.name(x, IMAGE)], node.name, **window))
