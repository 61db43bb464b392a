"""Convolutions and pools over any number of spatial axes: one step for each place of the kernel.

This is the plain form, for dtypes and ranks that are not compiled.  x is (n, c, spatial …); `Windows` says where the
windows lie, `Windows.at` is what lies under one place of the kernel in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from ..window import auto_pads
from .core import folds, limited, wide
from .indexing import within
from .pad import surrounded
from .signature import is_float

Ints = tuple[int, ...]


class Windows(NamedTuple):
    """The windows over an input: what is laid around it, and how many there are along each axis."""

    kernel: Ints
    strides: Ints
    dilations: Ints
    begins: Ints
    ends: Ints
    out: Ints

    def at(self, x: np.ndarray, place: Ints) -> np.ndarray:
        """The numbers of a padded array under one place of the kernel, (n, c, out …)."""
        return np.asarray(x[(slice(None), slice(None), *self.slices(place))])

    def slices(self, place: Ints) -> tuple[slice, ...]:
        """Where they lie along each axis."""
        table = zip(place, self.dilations, self.strides, self.out, strict=True)
        return tuple(slice(p * d, p * d + s * (o - 1) + 1, s) for p, d, s, o in table)

    def padded(self, x: np.ndarray, value: float) -> np.ndarray:
        """The input with its surroundings, as far as the last window reaches."""
        around = [(0, 0)] * 2
        for axis, (begin, end) in enumerate(zip(self.begins, self.ends, strict=True)):
            reach = (self.out[axis] - 1) * self.strides[axis] + (self.kernel[axis] - 1) * self.dilations[axis] + 1
            around.append((begin, max(end, reach - begin - x.shape[axis + 2])))
        limited([n + a + b for n, (a, b) in zip(x.shape, around, strict=True)])
        return surrounded(x, around, value)

    def places(self) -> Iterator[Ints]:
        """Every place of the kernel."""
        return np.ndindex(*self.kernel)


def _windows(node: OnnxNode, sizes: Sequence[int], kernel: Sequence[int]) -> Windows:
    rank = len(sizes)
    strides, dilations = node.ints("strides", (1,) * rank, rank), node.ints("dilations", (1,) * rank, rank)
    if len(kernel) != rank or min((*kernel, *strides, *dilations), default=1) < 1:
        raise Unfit(f"the kernel {list(kernel)}, strides {list(strides)} or dilations {list(dilations)} do not fit")
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    auto, pads = node.attr("auto_pad", "NOTSET"), node.ints("pads", (0,) * 2 * rank, 2 * rank)
    if auto != "NOTSET":
        pads = auto_pads(node, auto, sizes, spans, strides)
    begins, ends = tuple(pads[:rank]), tuple(pads[rank:])
    out = []
    for n, span, stride, begin, end in zip(sizes, spans, strides, begins, ends, strict=True):
        room = n + begin + end - span
        if room < 0 or min(begin, end) < 0:
            raise Unfit(f"windows of {spans} do not fit sizes {list(sizes)} with pads {list(pads)}")
        count = room // stride + 1
        if node.attr("ceil_mode", 0) and room % stride and count * stride < n + begin:
            count += 1  # a last window that reaches over the end, but does not begin there
        out.append(count)
    return Windows(tuple(kernel), strides, dilations, begins, ends, tuple(out))


def _spatial(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    if x.ndim < 3:
        raise Unfit(f"expected a batch, channels and spatial axes, got shape {list(x.shape)}")
    return np.asarray(x)


# convolutions --------------------------------------------------------------------------------------------------------


def _kernel(node: OnnxNode, x: np.ndarray) -> tuple[np.ndarray, int]:
    w, group = wide(node.known(1)), node.attr("group", 1)
    if w.ndim != x.ndim or node.ints("kernel_shape", w.shape[2:]) != w.shape[2:]:
        raise Unfit(f"a kernel of shape {list(w.shape)} does not fit an input of shape {list(x.shape)}")
    if group < 1 or w.shape[0] % group or x.shape[1] % group:
        raise Unfit(f"group={group} does not divide the channels of {list(x.shape)} and {list(w.shape)}")
    return w, group


def _with_bias(node: OnnxNode, y: np.ndarray) -> np.ndarray:
    bias = node.known(2)
    if bias is not None and bias.shape != y.shape[1:2]:
        raise Unfit(f"a bias of shape {list(bias.shape)} does not fit {y.shape[1]} channels")
    y = y if bias is None else y + wide(bias).reshape(-1, *[1] * (y.ndim - 2))
    return y.astype(node.known(0).dtype, copy=False)


@folds("Conv")
def _conv(node: OnnxNode) -> np.ndarray:
    x = wide(_spatial(node))
    w, group = _kernel(node, x)
    n, c = x.shape[:2]
    if w.shape[1] * group != c:
        raise Unfit(f"a kernel of shape {list(w.shape)} in {group} groups does not fit {c} channels")
    windows = _windows(node, x.shape[2:], w.shape[2:])
    limited((n, w.shape[0], *windows.out))
    x = windows.padded(x, 0)
    y = np.zeros((n, group, w.shape[0] // group, math.prod(windows.out)), x.dtype)
    factors = w.reshape(group, w.shape[0] // group, c // group, -1)
    for k, place in enumerate(windows.places()):
        y += np.matmul(factors[..., k], windows.at(x, place).reshape(n, group, c // group, -1))
    return _with_bias(node, y.reshape(n, -1, *windows.out))


@folds("ConvTranspose")
def _conv_transpose(node: OnnxNode) -> np.ndarray:
    """Every number of the input spreads the kernel around its place in the output; pads are cut away."""
    x = wide(_spatial(node))
    w, group = _kernel(node, x)
    n, c, *sizes = x.shape
    if w.shape[0] != c:
        raise Unfit(f"a kernel of shape {list(w.shape)} does not fit {c} channels")
    rank, kernel = len(sizes), w.shape[2:]
    strides, dilations = node.ints("strides", (1,) * rank, rank), node.ints("dilations", (1,) * rank, rank)
    more = node.ints("output_padding", (0,) * rank, rank)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    if min((*strides, *dilations, *kernel)) < 1 or min(more) < 0:
        raise Unfit(f"the strides {list(strides)} or dilations {list(dilations)} do not fit")
    full = [s * (i - 1) + span + m for i, s, span, m in zip(sizes, strides, spans, more, strict=True)]
    begins, out = _cut(node, sizes, full, strides)
    room = [max(f, b + o) for f, b, o in zip(full, begins, out, strict=True)]
    limited((n, w.shape[1] * group, *room))
    y = np.zeros((n, w.shape[1] * group, *room), x.dtype)
    windows = Windows(kernel, strides, dilations, (0,) * rank, (0,) * rank, tuple(sizes))
    flat = x.reshape(n, group, c // group, -1)
    factors = w.reshape(group, c // group, w.shape[1], -1).swapaxes(1, 2)
    for k, place in enumerate(windows.places()):
        share = np.matmul(factors[..., k], flat).reshape(n, -1, *sizes)
        y[(slice(None), slice(None), *windows.slices(place))] += share
    inside = [slice(b, b + o) for b, o in zip(begins, out, strict=True)]
    return _with_bias(node, y[(slice(None), slice(None), *inside)])


def _cut(node: OnnxNode, sizes: Sequence[int], full: Sequence[int], strides: Ints) -> tuple[list[int], list[int]]:
    """Where the output begins in all that was spread, and how large it is."""
    rank, auto = len(sizes), node.attr("auto_pad", "NOTSET")
    pads, out = node.ints("pads", (0,) * 2 * rank, 2 * rank), list(node.ints("output_shape", ()))
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER") or min(pads) < 0:
        raise Refused(f"auto_pad={auto!r} with pads {list(pads)} is not supported")
    if not out and auto.startswith("SAME"):
        out = [i * s for i, s in zip(sizes, strides, strict=True)]
    if not out:
        pads = (0,) * 2 * rank if auto == "VALID" else pads
        out = [f - pads[i] - pads[i + rank] for i, f in enumerate(full)]
        begins = list(pads[:rank])
    else:
        out = out[-rank:]
        totals = [max(f - o, 0) for f, o in zip(full, out, strict=True)]
        begins = [t - t // 2 if auto == "SAME_LOWER" or auto == "NOTSET" else t // 2 for t in totals]
    if min(out) < 1:
        raise Unfit(f"nothing of sizes {list(full)} is left as {out}")
    return begins, out


# pools ---------------------------------------------------------------------------------------------------------------


@folds("MaxPool")
def _max_pool(node: OnnxNode) -> list[np.ndarray]:
    """The largest under the window, and where it lies in the flat input; storage_order 1 counts the columns first."""
    x = _spatial(node)
    windows = _windows(node, x.shape[2:], node.ints("kernel_shape", ()))
    limited((*x.shape[:2], *windows.out))
    lowest = -np.inf if is_float(x.dtype) else np.iinfo(x.dtype).min
    padded = windows.padded(wide(x), lowest)
    numbers = np.arange(math.prod(x.shape[2:]))
    plane = numbers.reshape(x.shape[2:][::-1]).T if node.attr("storage_order", 0) else numbers.reshape(x.shape[2:])
    places = windows.padded(plane[None, None], -1)
    best, index = windows.at(padded, (0,) * len(windows.kernel)), np.full((1, 1, *windows.out), -1)
    best = np.full_like(best, lowest)
    for place in windows.places():
        under, here = windows.at(padded, place), windows.at(places, place)
        better = (here >= 0) & ((under > best) | (index < 0))
        index = np.where(better, here, index)
        best = np.maximum(best, under)
    before = np.arange(math.prod(x.shape[:2])).reshape(*x.shape[:2], *[1] * len(windows.out)) * numbers.size
    return [best.astype(x.dtype), (index + before).astype(np.int64)]


@folds("AveragePool")
def _average_pool(node: OnnxNode) -> np.ndarray:
    """The mean of what lies under the window, with the pads as zeros if they count."""
    x = _spatial(node)
    windows = _windows(node, x.shape[2:], node.ints("kernel_shape", ()))
    limited((*x.shape[:2], *windows.out))
    ones = np.ones((1, 1, *x.shape[2:]), wide(x).dtype)
    if node.attr("count_include_pad", 0):
        around = [(0, 0), (0, 0), *zip(windows.begins, windows.ends, strict=True)]
        ones = surrounded(ones, around, 1)
        windows_of_ones = windows._replace(begins=(0,) * len(windows.out), ends=(0,) * len(windows.out))
        counted = windows_of_ones.padded(ones, 0)
    else:
        counted = windows.padded(ones, 0)
    padded = windows.padded(wide(x), 0)
    total = sum(windows.at(padded, place) for place in windows.places())
    return np.asarray(total / sum(windows.at(counted, place) for place in windows.places())).astype(x.dtype)


@folds("LpPool")
def _lp_pool(node: OnnxNode) -> np.ndarray:
    x, p = _spatial(node), node.attr("p", 2)
    windows = _windows(node, x.shape[2:], node.ints("kernel_shape", ()))
    limited((*x.shape[:2], *windows.out))
    padded = np.abs(windows.padded(wide(x), 0)) ** p
    return np.asarray(sum(windows.at(padded, place) for place in windows.places()) ** (1 / p)).astype(x.dtype)


@folds("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global_pool(node: OnnxNode) -> np.ndarray:
    x, axes = _spatial(node), tuple(range(2, node.input(0).rank))
    if not all(x.shape[2:]):
        raise Unfit(f"an input of shape {list(x.shape)} has nothing to pool")
    if node.op == "GlobalMaxPool":
        return np.asarray(x.max(axes, keepdims=True))
    if node.op == "GlobalAveragePool":
        return np.asarray(wide(x).mean(axes, keepdims=True)).astype(x.dtype)
    p = node.attr("p", 2)
    return np.asarray((np.abs(wide(x)) ** p).sum(axes, keepdims=True) ** (1 / p)).astype(x.dtype)


# the way back --------------------------------------------------------------------------------------------------------


@folds("MaxUnpool")
def _max_unpool(node: OnnxNode) -> np.ndarray:
    """Numbers put where MaxPool says that they were, zeros elsewhere."""
    x, indices = _spatial(node), node.known(1)
    rank = x.ndim - 2
    kernel, pads = node.ints("kernel_shape", (), rank), node.ints("pads", (0,) * 2 * rank, 2 * rank)
    strides = node.ints("strides", (1,) * rank, rank)
    table = zip(x.shape[2:], kernel, strides, pads, pads[rank:], strict=False)
    shape = limited((*x.shape[:2], *(s * (n - 1) + k - a - b for n, k, s, a, b in table)))
    if indices.shape != x.shape:
        raise Unfit(f"indices of shape {list(indices.shape)} do not fit an input of shape {list(x.shape)}")
    y = np.zeros(math.prod(shape), x.dtype)
    y[within(indices, y.size)] = x
    out = node.known_ints(2, shape)
    if len(out) != x.ndim or any(o < n for o, n in zip(out, shape, strict=True)):
        raise Unfit(f"the output_shape {list(out)} does not hold {list(shape)}")
    limited(out)
    return surrounded(y.reshape(shape), [(0, o - n) for o, n in zip(out, shape, strict=True)], 0)


@folds("Col2Im")
def _col2im(node: OnnxNode) -> np.ndarray:
    """Blocks (n, c · places of a block, blocks) added up where they lie in the image."""
    x, sizes, block = node.known(0), node.known_ints(1), node.known_ints(2)
    rank = len(sizes)
    if x.ndim != 3 or len(block) != rank or min((*sizes, *block), default=0) < 1:
        raise Unfit(f"blocks {list(block)} of an image {list(sizes)} do not fit an input of shape {list(x.shape)}")
    windows = _windows(node, sizes, block)
    if x.shape[1] % math.prod(block) or x.shape[2] != math.prod(windows.out):
        raise Unfit(f"blocks {list(block)} of an image {list(sizes)} do not fit an input of shape {list(x.shape)}")
    shares = wide(x).reshape(x.shape[0], -1, math.prod(block), *windows.out)
    y = windows.padded(np.zeros((*shares.shape[:2], *sizes), shares.dtype), 0)
    for k, place in enumerate(windows.places()):
        y[(slice(None), slice(None), *windows.slices(place))] += shares[:, :, k]
    inside = [slice(begin, begin + n) for begin, n in zip(windows.begins, sizes, strict=True)]
    return np.asarray(y[(slice(None), slice(None), *inside)], x.dtype)
