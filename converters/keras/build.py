"""From what a file describes to a model of edgenet, whose weights are still to come.

Layers of a file may want images with the channels first.  edgenet has them last, so each image is kept in both orders
as far as somebody asks for it, and only what somebody asks for is transposed (`Image`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgenet import activations
from edgenet import layers as library
from edgenet.layers import Layer, layer_class
from edgenet.layers.tensor import Input, SymbolicTensor, unwrap
from edgenet.models import Model, Sequential

from ..errors import UnsupportedModelError
from .arguments import Unsupported, fitting, translate
from .network import Call, DamagedError, Network, Place, Spec

#: layers that do the same in either order of axes, as long as all their inputs have the same
EITHER = {
    "Activation", "Add", "Average", "Dropout", "ELU", "GaussianNoise", "LeakyReLU", "Maximum", "Minimum", "Multiply",
    "ReLU", "Subtract",
}  # fmt: skip
#: activations that look along the last axis
BY_AXIS = (activations.softmax, activations.log_softmax)
WHAT_TO_DO = (
    "Replace what is named here in Keras and save again, or pass custom_objects={class name: class derived from "
    "edgenet.layers.Layer}."
)
#: how many numbers a config may spread over a weight
LARGEST_TOLD = 1 << 24
#: dtypes of inputs: edgenet's two, and which others they stand for
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")


@dataclass
class Part:
    """A layer of a model together with what Keras's files call it."""

    kind: str
    """its class in Keras, by which `.keras` files name it"""
    name: str
    """its name, by which `.h5` files do"""
    layer: Layer
    parts: list[Part] | None = None
    """the layers inside of a model"""
    config: Mapping[str, Any] | None = None


@dataclass
class Image:
    """A tensor in the order of axes of the file and with the channels last, as far as either has been asked for."""

    plain: SymbolicTensor | None = None
    last: SymbolicTensor | None = None

    def get(self, last: bool) -> SymbolicTensor:
        """The tensor in one of the orders."""
        held, other = (self.last, self.plain) if last else (self.plain, self.last)
        if held is None:
            assert other is not None
            rank = other.ndim - 1
            axes = [*range(2, rank + 1), 1] if last else [rank, *range(1, rank)]
            held = library.Permute(axes)(other) if rank > 1 else other
            if last:
                self.last = held
            else:
                self.plain = held
        return held


class Builder:
    """Makes the layers of a network, then connects them.

    Args:
        version: which Keras wrote the description: 1, 2 or 3.
        budget: how many numbers the file holds; no layer may want more.
        shapes: shapes of inputs by name, where the file leaves sizes open.
        custom: classes and functions of the user, by name.
    """

    def __init__(
        self, version: int, budget: int, shapes: Mapping[str, Sequence[int]], custom: Mapping[str, Any]
    ) -> None:
        self.version, self.budget, self.shapes, self.custom = version, budget, shapes, custom
        self.first: set[int] = set()
        """ids of the layers that want the channels first"""

    def model(self, network: Network, problems: list[str]) -> tuple[Model, list[Part]]:
        """The model and its parts.

        Raises:
            UnsupportedModelError: naming every layer that edgenet does not have.
            DamagedError: if the layers do not fit together.
        """
        parts = self._parts(network, problems)
        if problems:
            raise UnsupportedModelError(f"the Keras model {network.name!r} cannot be read", problems, WHAT_TO_DO)
        model = self._connected(network, parts)
        _release(parts)
        return model, parts

    # layers ----------------------------------------------------------------------------------------------------------

    def _parts(self, network: Network, problems: list[str]) -> list[Part]:
        found = []
        for spec in network.layers:
            if spec.kind == "InputLayer":
                continue
            if spec.inner is not None:
                # a place for the inner model, which exists once it is connected
                found.append(Part(spec.kind, spec.name, Layer(name=_plain_name(spec.name)), []))
                found[-1].parts = self._parts(spec.inner, problems)
                continue
            try:
                found.append(Part(spec.kind, spec.name, self._layer(spec), config=spec.config))
            except Unsupported as error:
                problems.append(f"layer {spec.name!r} ({spec.kind}) {error}")
        return found

    def _layer(self, spec: Spec) -> Layer:
        kind, given, first = translate(spec, self.version, self.custom)
        cls = layer_class(kind)
        if spec.own and kind not in self.custom:
            raise Unsupported("is of a class of its author's own")
        if cls is None or cls is Layer or issubclass(cls, Model | library.InputLayer):
            raise Unsupported("is of a class that edgenet does not have")
        try:
            layer = cls(
                **fitting(cls, given), name=_plain_name(spec.name), trainable=bool(spec.config.get("trainable", True))
            )
        except (ValueError, TypeError, OverflowError, AttributeError, KeyError) as error:
            raise Unsupported(f"has arguments that edgenet does not take: {error}") from None
        if first:
            if getattr(layer, "activation", None) in BY_AXIS:
                raise Unsupported("has the channels first and an activation along the last axis: put it into a layer")
            self.first.add(id(layer))
        # Until the layer is built, its weights are zeros of shapes that the file can fill.
        vars(layer)["add_weight"] = functools.partial(self._zeros, layer)
        return layer

    def _zeros(
        self, layer: Layer, shape: Sequence[int] = (), initializer: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Layer.add_weight that counts what the file must hold, and does not draw random numbers."""
        size = math.prod(shape)
        told = isinstance(layer, library.Normalization) and layer.mean is not None  # in the config, so not in the file
        self.budget -= 0 if told else size
        if self.budget < 0 or (told and size > LARGEST_TOLD):
            raise DamagedError(
                f"layer {layer.name!r} needs a weight of shape {tuple(shape)}; the file does not hold as many numbers"
            )
        if not isinstance(layer, library.Normalization):  # whose moments may be arguments
            initializer = "zeros"
        return type(layer).add_weight(layer, shape, initializer, *args, **kwargs)

    # connections -----------------------------------------------------------------------------------------------------

    def _connected(self, network: Network, parts: list[Part]) -> Model:
        if network.sequential and not self._wants_first(parts):
            model: Model = self._chain(network, parts)
        else:
            model = self._functional(_as_functional(network) if network.sequential else network, parts)
        model._trainable = network.trainable  # not through the property: layers keep their own
        return model

    def _wants_first(self, parts: list[Part]) -> bool:
        return any(id(p.layer) in self.first for p in parts)

    def _chain(self, network: Network, parts: list[Part]) -> Sequential:
        start = self._start(network.layers[0]) if network.layers else None
        inner = [spec.inner for spec in network.layers if spec.kind != "InputLayer"]
        for part, within in zip(parts, inner, strict=True):
            if within is not None:
                part.layer = self._connected(within, part.parts or [])
        chain = [part.layer for part in parts]
        return Sequential([*([start] if start is not None else []), *chain], name=_plain_name(network.name))

    def _start(self, spec: Spec) -> SymbolicTensor | None:
        """The Input of an InputLayer, or of a first layer of a Sequential that says what it takes; else None."""
        config = spec.config
        is_input = spec.kind == "InputLayer"
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        if shape is None and config.get("input_shape") is not None:
            shape = [None, *config["input_shape"]]
        if shape is None and isinstance(config.get("input_dim"), int) and spec.kind != "Embedding":
            shape = [None, config["input_dim"]]
        if shape is None and not is_input:
            return None
        if not isinstance(shape, list) or not shape:
            raise DamagedError(f"input {spec.name!r} has the shape {shape!r}")
        name = _plain_name(spec.name) if is_input else f"{_plain_name(spec.name)}_input"
        sizes = self.shapes.get(spec.name, self.shapes.get(name, shape[1:]))
        if None in sizes:
            raise DamagedError(
                f"input {name!r} has the shape {tuple(sizes)}, whose sizes must be known: pass "
                f"shapes={{{name!r}: (…)}}, without the batch"
            )
        dtype = config.get("dtype", config.get("input_dtype"))
        return Input(tuple(sizes), dtype="int32" if dtype in WHOLE else "float32", name=name)

    def _functional(self, network: Network, parts: list[Part]) -> Model:
        inner = {spec.name: spec.inner for spec in network.layers if spec.inner is not None}
        by_name = {part.name: part for part in parts}
        for name, within in inner.items():
            by_name[name].layer = self._connected(within, by_name[name].parts or [])
        known: dict[Place, Image] = {}
        for spec in network.layers:
            if spec.kind == "InputLayer":
                known[spec.name, 0, 0] = Image(self._start(spec))
        left = {spec.name: list(enumerate(spec.calls)) for spec in network.layers if spec.calls}
        while left:
            before = sum(map(len, left.values()))
            for name in list(left):
                while left[name] and all(p in known for p in left[name][0][1].inputs):
                    number, call = left[name].pop(0)
                    results = self._call(by_name[name].layer, call, known)
                    known.update(((name, number, i), image) for i, image in enumerate(results))
                if not left[name]:
                    del left[name]
            if sum(map(len, left.values())) == before:
                raise DamagedError(
                    f"the layers {', '.join(map(repr, sorted(left)[:5]))} depend on each other in a circle, or on "
                    "calls that do not exist"
                )
        for p in [*network.inputs, *network.outputs]:
            if p not in known:
                raise DamagedError(f"{network.name}: there is no output {p[2]} of call {p[1]} of a layer {p[0]!r}")
        ends = [[known[p].get(False) for p in places] for places in (network.inputs, network.outputs)]
        starts, stops = (e if many else e[0] for e, many in zip(ends, network.many, strict=True))
        return Model(starts, stops, name=_plain_name(network.name))

    def _call(self, layer: Layer, call: Call, known: Mapping[Place, Image]) -> list[Image]:
        images = [known[p] for p in call.inputs]
        last = self._last(layer, images)
        xs = [image.get(last) for image in images]
        results, _ = unwrap(layer(xs if call.nested else xs[0], training=call.training))
        return [Image(last=y) if last and y.ndim > 2 else Image(y) for y in results]

    def _last(self, layer: Layer, images: list[Image]) -> bool:
        """Whether a layer gets its images with the channels last though the file may have them first."""
        if id(layer) in self.first:
            return True
        if any(image.last is None for image in images) or len({image.get(True).ndim for image in images}) > 1:
            return False
        if isinstance(layer, library.BatchNormalization | library.Concatenate) and layer.axis == 1:
            layer.axis = -1
            self.first.add(id(layer))  # from now on for every call
            return True
        by_axis = getattr(layer, "activation", None) in BY_AXIS or getattr(layer, "noise_shape", None) is not None
        return type(layer).__name__ in EITHER and not by_axis


def _release(parts: list[Part]) -> None:
    """Give the layers their own way of making weights back."""
    for part in parts:
        vars(part.layer).pop("add_weight", None)
        _release(part.parts or [])


def _plain_name(name: str) -> str:
    return name.replace("/", "_") or "layer"


def _as_functional(network: Network) -> Network:
    """A Sequential as a functional model with the same layers."""
    specs = [s for s in network.layers if s.kind != "InputLayer"]
    start = next((s for s in network.layers if s.kind == "InputLayer"), None)
    if start is None:
        first = specs[0]
        start = Spec("InputLayer", f"{first.name}_input", dict(first.config))
    place: Place = (start.name, 0, 0)
    for spec in specs:
        spec.calls = [Call([place], False)]
        place = (spec.name, 0, 0)
    return Network(network.name, [start, *specs], False, network.trainable, [(start.name, 0, 0)], [place])
