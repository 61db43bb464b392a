"""Numbers by their places: Gather ↔ gather; GatherElements, GatherND, ScatterElements, ScatterND, if constant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx

from edgenet.graph import Node, Value, emit
from edgenet.ops.select import where

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, reshape
from ..writer import Writer
from .cut import taken


@importer("Gather", since=1, any_dtype=True)
def read_gather(node: OnnxNode) -> Tensor:
    x = node.input(0)
    axis = x.axis(node.attr("axis", 0))
    computed = node.input(1)
    if computed.array is None and x.dtype == "float32" and computed.dtype in ("int32", "float32"):
        rest = tuple(a for a in range(x.rank) if a != axis)
        table = x.arranged((axis, *rest))
        new = tuple(range(axis, axis + computed.rank))  # where ONNX puts the axes of the indices
        axes = (*new, *(a for a in range(computed.rank + x.rank - 1) if a not in new))
        return node.held(emit("gather", [table, computed.plain()]), axes)
    indices = node.known(1)
    size = x.shape[axis]
    if isinstance(size, str):
        node.refuse(f"it takes places of an axis of size {size}: pass `shapes` that makes it a number")
    if indices.dtype.kind not in "iu":
        node.refuse(f"indices of type {indices.dtype} are not supported")
    places = [int(i) + size if i < 0 else int(i) for i in indices.reshape(-1)]
    if not places or min(places) < 0 or max(places) >= size:
        node.refuse(f"the indices {places} are not within an axis of size {size}")
    y = taken(x, axis, places)
    if indices.ndim == 1:
        return y
    if indices.ndim:
        return node.held(reshape(y.plain(), (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])))
    held = arrange.without(y.axes, [axis])
    shape = [s for i, s in enumerate(y.shape) if i != axis]
    return node.held(reshape(y.raw, arrange.arranged(shape, held)), held)


@exporter("gather")
def write_gather(node: Node, out: Writer) -> None:
    table, index = node.inputs
    assert table is not None and index is not None
    name = out.name(index)
    if index.dtype == "float32":
        name = out.node("Cast", [name], f"{node.name}_index", to=onnx.TensorProto.INT32)
    out.bind(node.output, None, out.node("Gather", [out.name(table), name], node.name, axis=0))


# constant places ------------------------------------------------------------------------------------------------------


def _sizes(node: OnnxNode, x: Tensor) -> tuple[int, ...]:
    if any(isinstance(s, str) for s in x.shape):
        node.refuse(f"its input of shape {list(x.shape)} needs known sizes: pass `shapes` that makes them numbers")
    return tuple(int(s) for s in x.shape)


def _elements(node: OnnxNode, x: Tensor) -> np.ndarray:
    """For each index along `axis` the number of its place in x flattened."""
    sizes, axis, indices = _sizes(node, x), x.axis(node.attr("axis", 0)), node.known(1).astype(np.int64)
    if indices.ndim != x.rank or any(
        i > s for a, (i, s) in enumerate(zip(indices.shape, sizes, strict=True)) if a != axis
    ):
        node.refuse(f"indices of shape {list(indices.shape)} do not fit an input of shape {list(sizes)}")
    grid = list(np.indices(indices.shape))
    grid[axis] = _wrapped(node, indices, sizes[axis])
    return np.ravel_multi_index(grid, sizes) if indices.size else indices


def _wrapped(node: OnnxNode, indices: np.ndarray, size: int) -> np.ndarray:
    if indices.size and (indices.min() < -size or indices.max() >= size):
        node.refuse(f"the indices reach from {indices.min()} to {indices.max()}, outside of an axis of size {size}")
    return np.where(indices < 0, indices + size, indices)


def _tuples(node: OnnxNode, x: Tensor, batch: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """For each tuple of indices the number of the row that it names, and the shape of such a row."""
    sizes, indices = _sizes(node, x), node.known(1).astype(np.int64)
    depth = batch + (indices.shape[-1] if indices.ndim else 0)
    if indices.ndim <= batch or depth > x.rank or indices.shape[:batch] != sizes[:batch]:
        node.refuse(f"indices of shape {list(indices.shape)} do not fit an input of shape {list(sizes)}")
    lead = indices.shape[:-1]
    parts = list(np.indices(lead)[:batch]) if batch else []
    parts += [_wrapped(node, indices[..., i], sizes[batch + i]) for i in range(indices.shape[-1])]
    rows = np.ravel_multi_index(parts, sizes[:depth]) if parts else np.zeros(lead, np.int64)
    return np.asarray(rows), sizes[depth:]


def _rows(value: Value, rows: np.ndarray, row: tuple[int, ...]) -> Value:
    table = reshape(value, (math.prod(value.spec.sizes) // max(math.prod(row), 1), *row))
    y: Value = emit("gather", [table, np.ascontiguousarray(rows, np.int32)])
    return y


@importer("GatherElements", since=11)
def read_gather_elements(node: OnnxNode) -> Tensor:
    x = node.input(0)
    return node.held(_rows(x.plain(), _elements(node, x), ()))


@importer("GatherND", since=11)
def read_gather_nd(node: OnnxNode) -> Tensor:
    x = node.input(0)
    rows, row = _tuples(node, x, node.attr("batch_dims", 0))
    return node.held(_rows(x.plain(), rows, row))


def _scattered(node: OnnxNode, x: Tensor, rows: np.ndarray, row: tuple[int, ...]) -> Tensor:
    """x with its rows of those numbers replaced by the updates, the last of which stays."""
    node.only("reduction", "none")
    updates = node.input(2)
    if updates.shape != (*rows.shape, *row):
        node.refuse(f"expected updates of shape {[*rows.shape, *row]}, got {list(updates.shape)}")
    count = math.prod(x.shape) // max(math.prod(row), 1)
    source = np.full(count, -1, np.int32)
    source[rows.ravel()] = np.arange(rows.size)
    new = _rows(updates.plain(), np.maximum(source, 0), row)
    chosen = (source >= 0).astype(np.float32).reshape(count, *(1,) * len(row))
    y: Any = where(chosen, new, reshape(x.plain(), (count, *row)))
    return node.held(reshape(y, x.shape))


@importer("ScatterElements", since=11)
def read_scatter_elements(node: OnnxNode) -> Tensor:
    x = node.input(0)
    return _scattered(node, x, _elements(node, x), ())


@importer("ScatterND", since=11)
def read_scatter_nd(node: OnnxNode) -> Tensor:
    x = node.input(0)
    return _scattered(node, x, *_tuples(node, x, 0))


@importer("Trilu", since=14)
def read_trilu(node: OnnxNode) -> Tensor:
    x = node.input(0)
    rows, columns = _sizes(node, x)[-2:] if x.rank > 1 else (0, 0)
    k = int(node.scalar(1, 0))
    kept = np.triu(np.ones((rows, columns)), k) if node.attr("upper", 1) else np.tril(np.ones((rows, columns)), k)
    return node.held(where(kept.astype(np.float32), x.plain(), 0.0))
