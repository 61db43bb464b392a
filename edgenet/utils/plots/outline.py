"""What there is to draw of a model: a box for each input and each layer call, an arrow for each tensor between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Box:
    """An input or a layer call; or, with an `inside`, a model whose layers are drawn in it."""

    title: str
    lines: list[str] = field(default_factory=list)
    inside: Outline | None = None


@dataclass(eq=False)
class Outline:
    """Boxes and arrows between them; `starts` and `ends` hold the boxes of the model's inputs and outputs."""

    name: str
    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[Box, Box]] = field(default_factory=list)
    starts: list[Box] = field(default_factory=list)
    ends: list[Box] = field(default_factory=list)

    def every_box(self) -> Iterator[Box]:
        """The boxes, and those inside of them."""
        for box in self.boxes:
            yield box
            if box.inside is not None:
                yield from box.inside.every_box()


@dataclass(frozen=True)
class Show:
    """What boxes tell."""

    shapes: bool = False
    dtype: bool = False
    names: bool = False
    activations: bool = False
    trainable: bool = False
    nested: bool = False

    def box(self, layer: Any, kind: str, name: str, inputs: list[Any], outputs: list[Any]) -> Box:
        """The box of a layer, or of an input, for which `layer` is None."""
        lines = []
        activation = getattr(layer, "activation", None)
        if self.activations and activation is not None:
            lines.append(f"Activation: {getattr(activation, '__name__', type(activation).__name__)}")
        if self.shapes:
            lines += [f"Input shape: {_shapes(inputs)}"] if layer is not None else []
            lines.append(f"Output shape: {_shapes(outputs)}")
        if self.dtype:
            lines.append(f"Output dtype: {', '.join(dict.fromkeys(str(t.dtype) for t in outputs))}")
        if self.trainable and layer is not None and layer.weights:
            lines.append(f"Trainable: {bool(layer.trainable_weights)}")
        return Box(f"{name} ({kind})" if self.names else kind, lines)


def outline(model: Any, show: Show, what: str) -> Outline:
    """The outline of a model.

    A layer that is called twice has two boxes, so arrows never run in a circle.

    Raises:
        TypeError: if `model` is no model.
        ValueError: if its input shape is not known.
    """
    if not hasattr(model, "calls"):
        raise TypeError(f"{what}: expected a Model or Sequential, got {type(model).__name__}")
    drawn = Outline(model.name)
    maker: dict[int, Box] = {}
    for tensor, name in zip(model.inputs, model.input_names, strict=True):
        maker[id(tensor)] = box = show.box(None, "InputLayer", name, [], [tensor])
        drawn.boxes.append(box)
        drawn.starts.append(box)
    for call in model.calls:
        layer = call.layer
        box = show.box(layer, type(layer).__name__, layer.name, call.inputs, call.outputs)
        if show.nested and hasattr(layer, "calls"):
            box.inside = outline(layer, show, what)
        drawn.boxes.append(box)
        drawn.arrows += [(maker[id(t)], box) for t in {id(t): t for t in call.inputs}.values()]
        maker.update((id(t), box) for t in call.outputs)
    drawn.ends = list(dict.fromkeys(maker[id(t)] for t in model.outputs))
    return drawn


def _shapes(tensors: list[Any]) -> str:
    return ", ".join(str((None, *t.shape[1:])) for t in tensors)
