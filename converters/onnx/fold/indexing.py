"""Reading and writing at indices.  Negative ones count from the end; those out of bounds are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import axis_of, folds, limited


def within(indices: np.ndarray, size: int) -> np.ndarray:
    """Indices from 0 on."""
    indices = indices.astype(np.int64, copy=False)
    wrong = indices[(indices < -size) | (indices >= size)]
    if wrong.size:
        raise Unfit(f"the index {wrong.flat[0]} is out of bounds for an axis of size {size}")
    return np.asarray(np.where(indices < 0, indices + size, indices))


# reading -------------------------------------------------------------------------------------------------------------


@folds("Gather", names=True)
def _gather(node: OnnxNode) -> np.ndarray:
    x, indices = node.known(0), node.known(1)
    axis = axis_of(node.attr("axis", 0), x.ndim)
    limited((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return np.take(x, within(indices, x.shape[axis]), axis=axis)


@folds("GatherElements")
def _gather_elements(node: OnnxNode) -> np.ndarray:
    x, indices = node.known(0), node.known(1)
    return np.asarray(x[_elements(node, x, indices)])


def _elements(node: OnnxNode, x: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, ...]:
    """The places (i, j, …) of `indices`, with the index in place of that along the axis."""
    axis = axis_of(node.attr("axis", 0), x.ndim)
    fits = indices.ndim == x.ndim and all(
        n <= m or i == axis for i, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True))
    )
    if not fits:
        raise Unfit(f"indices of shape {list(indices.shape)} do not fit data of shape {list(x.shape)}")
    places = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    places[axis] = within(indices, x.shape[axis])
    return tuple(places)


@folds("GatherND")
def _gather_nd(node: OnnxNode) -> np.ndarray:
    x, indices, batch = node.known(0), node.known(1), node.attr("batch_dims", 0)
    if not 0 <= batch < min(x.ndim, indices.ndim) or x.shape[:batch] != indices.shape[:batch]:
        raise Unfit(
            f"data of shape {list(x.shape)} and indices of {list(indices.shape)} do not share {batch} batch axes"
        )
    before = np.ogrid[tuple(slice(n) for n in x.shape[:batch])]
    spread = [b.reshape(*b.shape, *[1] * (indices.ndim - 1 - batch)) for b in before]
    limited((*indices.shape[:-1], *x.shape[batch + indices.shape[-1] :]))
    return np.asarray(x[(*spread, *_coordinates(indices, x.shape[batch:]))])


def _coordinates(indices: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The columns of indices, each an index along one axis of the shape."""
    depth = indices.shape[-1] if indices.ndim else 0
    if not 1 <= depth <= len(shape):
        raise Unfit(f"indices of shape {list(indices.shape)} do not fit data of shape {list(shape)}")
    return [within(indices[..., i], shape[i]) for i in range(depth)]


@folds("NonZero")
def _nonzero(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    return np.array(np.nonzero(x if x.ndim else x.reshape(1)), np.int64)[: x.ndim or None]


@folds("Compress")
def _compress(node: OnnxNode) -> np.ndarray:
    x, condition, axis = node.known(0), node.known(1), node.attr("axis")
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis_of(axis, x.ndim))
    if condition.ndim != 1 or condition.size > x.shape[axis]:
        raise Unfit(f"a condition of shape {list(condition.shape)} does not fit an axis of size {x.shape[axis]}")
    return np.compress(condition, x, axis)


# writing -------------------------------------------------------------------------------------------------------------

_COMBINE: dict[str, Callable[..., None]] = {
    "add": np.add.at, "mul": np.multiply.at, "min": np.minimum.at, "max": np.maximum.at
}  # fmt: skip


def _written(node: OnnxNode, x: np.ndarray, places: Any, updates: np.ndarray) -> np.ndarray:
    """A copy of x with the updates at the places; those that meet are combined by the reduction, in their order."""
    reduction = node.attr("reduction", "none")
    y = x.copy()
    if reduction == "none":
        y[places] = updates.astype(x.dtype, copy=False)
    elif reduction in _COMBINE:
        _COMBINE[reduction](y, places, updates.astype(x.dtype, copy=False))
    else:
        raise Refused(f"reduction={reduction!r} is not supported, only 'none', {', '.join(map(repr, _COMBINE))}")
    return y


@folds("ScatterElements", "Scatter")
def _scatter_elements(node: OnnxNode) -> np.ndarray:
    x, indices, updates = node.known(0), node.known(1), node.known(2)
    if indices.shape != updates.shape:
        raise Unfit(f"indices of shape {list(indices.shape)} and updates of {list(updates.shape)} differ")
    return _written(node, x, _elements(node, x, indices), updates)


@folds("ScatterND")
def _scatter_nd(node: OnnxNode) -> np.ndarray:
    x, indices, updates = node.known(0), node.known(1), node.known(2)
    places = tuple(_coordinates(indices, x.shape))
    want = (*indices.shape[:-1], *x.shape[len(places) :])
    if updates.shape != want:
        raise Unfit(f"expected updates of shape {list(want)}, got {list(updates.shape)}")
    return _written(node, x, places, updates)


@folds("TensorScatter")
def _tensor_scatter(node: OnnxNode) -> np.ndarray:
    """Updates along an axis of a cache, from an own index for each entry of the batch on."""
    x, updates = node.known(0), node.known(1)
    axis = axis_of(node.attr("axis", -2), x.ndim)
    starts = np.asarray(node.known_ints(2, (0,) * x.shape[0]), np.int64)
    node.only("mode", "linear", "circular")
    size, length = x.shape[axis], updates.shape[axis] if updates.ndim == x.ndim else 0
    rest = [(*a.shape[:axis], *a.shape[axis + 1 :]) for a in (x, updates)]
    if not axis or rest[0] != rest[1] or starts.shape != x.shape[:1] or length > size:
        raise Unfit(f"updates of shape {list(updates.shape)} do not fit a cache of shape {list(x.shape)}")
    places = starts[:, None] + np.arange(length)
    places = places % size if node.attr("mode", "linear") == "circular" else within(places, size)
    y = x.copy()
    np.moveaxis(y, axis, 1)[np.arange(x.shape[0])[:, None], places] = np.moveaxis(updates, axis, 1)
    return y
