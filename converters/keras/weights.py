"""Weights between the layers of a model and the two ways in which Keras lays them out in HDF5.

A `.keras` file and a `.weights.h5` file of Keras 3 name layers by class and by their place among those of that class:

    layers/conv2d/vars/0, layers/conv2d_1/vars/0, layers/sequential/layers/dense/vars/1

An `.h5` file names them as the model does, in a group each, and a nested model is one group: the weights of all its
layers that training changes, then all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgenet.graph import Variable
from edgenet.layers import Layer, Normalization

from .build import Part
from .hdf5 import Group
from .network import DamagedError

#: kernels of Keras 1 with the channels first, (filters, channels, rows, columns)
KERNELS_FIRST = ("Conv2D", "Conv2DTranspose")


def store_names(parts: Sequence[Part]) -> Iterator[tuple[str, Part]]:
    """What a `.keras` file calls each part.

    >>> from edgenet.layers import Dense
    >>> [name for name, _ in store_names([Part("Dense", "a", Dense(1)), Part("Dense", "b", Dense(1))])]
    ['dense', 'dense_1']
    """
    used: dict[str, int] = {}
    for part in parts:
        base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W", "", part.kind)))
        name = base.lower()
        count = used.get(name, 0)
        used[name] = count + 1
        yield (f"{name}_{count}" if count else name), part


def from_store(parts: Sequence[Part], group: Group) -> None:
    """Take the weights out of the layout of Keras 3."""
    inside = group.get("layers") or group.get("_layer_checkpoint_dependencies")
    for name, part in store_names(parts):
        found = None if inside is None else inside.get(name)
        if part.parts is not None:
            if found is not None:
                from_store(part.parts, found)
            elif any(leaf.layer.weights for leaf in _leaves(part.parts)):
                raise DamagedError(f"the file has no weights for the model {part.name!r} (layers/{name})")
            continue
        kept = None if found is None else found.get("vars")
        put(part, [] if kept is None else [kept.array(str(i)) for i in range(len(kept.names()))])


def from_legacy(parts: Sequence[Part], group: Group, flip: bool = False, old: bool = False) -> None:
    """Take the weights out of the layout of `.h5` files.

    Args:
        parts: the parts of the model.
        group: the group that holds one of each layer.
        flip: whether kernels are those of Theano, whose convolution turns them around.
        old: whether Keras 1 wrote the file.
    """
    for part in parts:
        found = group.get(part.name)
        arrays = [] if found is None else [found.array(name) for name in found.texts("weight_names")]
        distribute(part, arrays, flip, old)


def as_named(parts: Sequence[Part], group: Group) -> list[Part]:
    """The parts by the names of the layers of an `.h5` file, which go by their order where the names are others."""
    names = group.texts("layer_names")
    if all(part.name in names for part in parts if part.layer.weights):
        return list(parts)
    filled = [n for n in names if (found := group.get(n)) is not None and found.texts("weight_names")]
    heavy = [part for part in parts if part.layer.weights]
    if len(filled) != len(heavy):
        raise DamagedError(f"{len(heavy)} layers of the model have weights, {len(filled)} of the file")
    return [replace(part, name=name) for part, name in zip(heavy, filled, strict=True)]


def distribute(part: Part, arrays: list[np.ndarray], flip: bool = False, old: bool = False) -> None:
    """Give a part, perhaps a nested model, the arrays of its group."""
    if part.parts is None:
        put(part, arrays, flip, old)
        return
    slots = list(_slots(part, True))
    order = [s for s in slots if s[2]] + [s for s in slots if not s[2]]
    extra = len(arrays) - len(order)
    if extra:
        raise DamagedError(f"the model {part.name!r} has {len(order)} weights, the file holds {len(arrays)}")
    of_leaf: dict[int, dict[int, np.ndarray]] = {}
    for (leaf, place, _), array in zip(order, arrays, strict=True):
        of_leaf.setdefault(id(leaf), {})[place] = array
    for leaf in _leaves(part.parts):
        mine = of_leaf.get(id(leaf), {})
        put(leaf, [mine[i] for i in range(len(mine))], flip, old)


def _leaves(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        if part.parts is None:
            yield part
        else:
            yield from _leaves(part.parts)


def _slots(part: Part, trainable: bool) -> Iterator[tuple[Part, int, bool]]:
    """(layer, place of a weight in it, whether training changes it) in Keras's order."""
    trainable = trainable and part.layer._trainable
    if part.parts is not None:
        for inner in part.parts:
            yield from _slots(inner, trainable)
        return
    for i, weight in enumerate(_kept(part.layer)):
        yield part, i, trainable and weight.trainable
    if isinstance(part.layer, Normalization) and part.layer.mean is None:
        yield part, len(part.layer.weights), False  # how many samples `adapt` has seen


def _kept(layer: Layer) -> list[Variable]:
    """The weights of a layer that Keras keeps, in its order."""
    return [] if isinstance(layer, Normalization) and layer.mean is not None else layer.weights


def put(part: Part, arrays: list[np.ndarray], flip: bool = False, old: bool = False) -> None:
    """Set the weights of one layer.

    Raises:
        DamagedError: if number or shapes differ.
    """
    layer, weights = part.layer, _kept(part.layer)
    if isinstance(layer, Normalization):
        arrays = arrays[:2]
    if flip or old:
        arrays = _of_old(part, arrays, weights, flip, old)
    if len(arrays) != len(weights):
        raise DamagedError(f"layer {part.name!r} has {len(weights)} weights, the file holds {len(arrays)}")
    for variable, array in zip(weights, arrays, strict=True):
        if array.shape != variable.shape:
            raise DamagedError(f"{variable.name} has shape {variable.shape}, the file holds {array.shape}")
    for variable, array in zip(weights, arrays, strict=True):
        variable.assign(np.ascontiguousarray(array, np.float32))


def _of_old(
    part: Part, arrays: list[np.ndarray], weights: Sequence[Variable], flip: bool, old: bool
) -> list[np.ndarray]:
    """The arrays of a file of Keras 1 or of Theano as those of today."""
    kind = type(part.layer).__name__
    if not arrays or not weights:
        return arrays
    first, *rest = arrays
    config = part.config or {}
    channels_first = config.get("dim_ordering", config.get("data_format")) in ("th", "channels_first")
    if old and kind == "Maxout" and first.ndim == 3:  # (pieces, inputs, units) and (pieces, units)
        return [first.transpose(1, 2, 0).reshape(first.shape[1], -1), *(b.T.reshape(-1) for b in rest)]
    if old and kind == "Conv1D" and first.ndim == 4:
        # (steps, 1, channels, filters), before 1.1 (filters, channels, steps, 1)
        first = (first if first.shape[1] == 1 else first.transpose(2, 3, 1, 0))[:, 0]
    elif old and kind in KERNELS_FIRST and channels_first and first.ndim == 4:
        first = first.transpose(2, 3, 1, 0) if kind == "Conv2D" else first.transpose(2, 3, 0, 1)
    elif old and kind == "Conv2DTranspose" and first.ndim == 4:
        first = first.transpose(0, 1, 3, 2)
    if flip and kind in ("Conv1D", "Conv2D", "Conv2DTranspose"):
        first = first[::-1, ::-1] if first.ndim == 4 else first[::-1]
    return [first, *rest]


def from_live(parts: Sequence[Part], model: Any) -> None:
    """Take the weights of the layers of a live Keras model."""
    held: Mapping[str, Any] = {layer.name: layer for layer in model.layers}
    for part in parts:
        if part.name not in held:
            continue  # an operator on tensors
        if part.parts is not None:
            from_live(part.parts, held[part.name])
        else:
            put(part, [np.asarray(a) for a in held[part.name].get_weights()])


def arrays_of(part: Part) -> list[np.ndarray]:
    """What Keras keeps of a layer that is no model."""
    arrays = [w.array for w in _kept(part.layer)]
    counts = isinstance(part.layer, Normalization) and part.layer.mean is None
    return [*arrays, np.zeros((), np.int32)] if counts else arrays


def to_store(parts: Sequence[Part], group: Any) -> None:
    """Write the layout of Keras 3 into a group of h5py."""
    group.require_group("vars")
    for name, part in store_names(parts):
        inside = group.require_group(f"layers/{name}")
        if part.parts is not None:
            to_store(part.parts, inside)
            continue
        kept = inside.require_group("vars")
        kept.attrs["name"] = part.name
        for i, array in enumerate(arrays_of(part)):
            kept.create_dataset(str(i), data=array)


def to_legacy(parts: Sequence[Part], group: Any) -> None:
    """Write the layout of `.h5` files into a group of h5py."""
    group.attrs["layer_names"] = np.array([part.name.encode() for part in parts], dtype=np.bytes_)
    for part in parts:
        inside = group.create_group(part.name)
        slots = list(_slots(part, True))
        names = []
        for leaf, place, _ in [s for s in slots if s[2]] + [s for s in slots if not s[2]]:
            names.append(f"{leaf.name}/{place}" if leaf is part else f"{part.name}/{leaf.name}/{place}")
            inside.create_dataset(names[-1], data=arrays_of(leaf)[place])
        inside.attrs["weight_names"] = np.array([n.encode() for n in names], dtype=np.bytes_)
