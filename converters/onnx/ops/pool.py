"""Pooling over windows: MaxPool ↔ max_pool, AveragePool ↔ avg_pool, LpPool; over three axes, and with dilations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Node, Value, emit
from edgenet.ops.volume import avg_pool3d, max_pool3d, windows

from ..arrange import channels_first
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one
from ..window import Window, images, read_window, result, write_window
from ..writer import Writer
from .reduce import root_of, to_power

IMAGE = channels_first(4)


def _window(node: OnnxNode, x: Tensor) -> Window:
    return read_window(node, x.shape[2:], node.ints("kernel_shape", (), x.rank - 2), ceil=True)


def _plain(window: Window) -> bool:
    """Whether the kernels can do it: no dilation, and no window that may lie wholly in the padding."""
    fits = all(max(pads) < k for k, pads in zip(window.kernel, window.padding, strict=True))
    return fits and all(d == 1 for d in window.dilation)


def _windows(x: Value, window: Window, combine: str, outside: float) -> Value:
    for axis, (k, s, d, pads) in enumerate(
        zip(window.kernel, window.strides, window.dilation, window.padding, strict=True), 1
    ):
        x = windows(x, axis, k, s, pads, d, combine, outside)
    return x


@importer("MaxPool", since=1)
def read_max_pool(node: OnnxNode) -> Tensor:
    x = node.input(0)
    value = images(node, x)
    node.ignore("storage_order")  # the order of the indices
    node.only_output("the indices")
    window = _window(node, x)
    if not _plain(window):
        return result(x, _windows(value, window, "maximum", -np.inf))
    attrs: dict[str, Any] = {"pool": window.kernel, "strides": window.strides, "padding": window.padding}
    return result(x, max_pool3d(value, **attrs) if x.rank == 5 else one(emit("max_pool", [value], **attrs)))


def _counts(sizes: Sequence[int], window: Window, include: bool) -> np.ndarray:
    """How many numbers each window has, without those that only ceil_mode has added: shape (spatial…, 1)."""
    total = np.ones((1,) * (len(sizes) + 1), np.float32)
    rows = zip(sizes, window.kernel, window.strides, window.dilation, window.padding, window.given, strict=True)
    for axis, (n, k, s, d, pads, given) in enumerate(rows):
        low, high = (-given[0], n + given[1]) if include else (0, n)
        outputs = (n + sum(pads) - d * (k - 1) - 1) // s + 1
        taps = np.arange(outputs)[:, None] * s - pads[0] + np.arange(k) * d
        count = ((taps >= low) & (taps < high)).sum(axis=1)
        total = total * count.reshape([-1 if a == axis else 1 for a in range(total.ndim)])
    return total.astype(np.float32)


def _summed(value: Value, window: Window) -> Value:
    """The sum of each window."""
    if not _plain(window):
        return _windows(value, window, "add", 0.0)
    attrs: dict[str, Any] = {"pool": window.kernel, "strides": window.strides, "padding": window.padding}
    if value.spec.rank == 5:
        y = avg_pool3d(value, include_pad=True, **attrs)
    else:
        y = one(emit("avg_pool", [value], include_pad=True, **attrs))
    return y * float(np.prod(window.kernel))


@importer("AveragePool", since=7)
def read_avg_pool(node: OnnxNode) -> Tensor:
    x = node.input(0)
    value = images(node, x)
    window = _window(node, x)
    include = bool(node.attr("count_include_pad", 0))
    if not _plain(window) or (include and window.given != window.padding):
        sizes = [int(s) for s in value.shape[1:-1]]
        return result(x, _summed(value, window) / np.maximum(_counts(sizes, window, include), 1))
    attrs: dict[str, Any] = {"pool": window.kernel, "strides": window.strides, "padding": window.padding}
    if x.rank == 5:
        return result(x, avg_pool3d(value, include_pad=include, **attrs))
    return result(x, one(emit("avg_pool", [value], include_pad=include, **attrs)))


@importer("LpPool", since=2)
def read_lp_pool(node: OnnxNode) -> Tensor:
    x, p = node.input(0), node.attr("p", 2)
    if p < 1:
        node.refuse(f"expected p of at least 1, got {p}")
    value = images(node, x)
    return result(x, root_of(_summed(to_power(value, p), _window(node, x)), p))


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
