"""A model that is one layer behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.layers.input import InputLayer
from edgenet.layers.layer import Layer
from edgenet.layers.tensor import Input, SymbolicTensor

from .model import Model


class Sequential(Model):
    """A chain of layers.

    Without an `edgenet.Input` in front (or ``input_shape=`` in the first layer) it is built when it first sees data.

    >>> from edgenet import Input, Sequential, layers
    >>> model = Sequential([Input((28, 28, 1)), layers.Flatten()])
    >>> model.add(layers.Dense(10, activation="softmax"))
    >>> model.output_shape
    (None, 10)
    """

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        if any(isinstance(given, Layer | SymbolicTensor) for given in (layers, trainable)):
            raise TypeError("Sequential: expected a list of layers: write Sequential([first, second, …])")
        Layer.__init__(self, name=name)
        self._nested_inputs = self._nested_outputs = False
        self._start: SymbolicTensor | None = None
        self._layers: list[Layer] = []
        self.inputs, self.outputs, self.calls = [], [], []
        self._forget_programs()
        for layer in layers or []:
            self.add(layer)
        if not trainable:
            self.trainable = False

    def add(self, layer: Any) -> None:
        """Append a layer, or say with an Input what the first one gets.

        Raises:
            TypeError: if `layer` is neither a layer nor an Input.
            ValueError: if an Input does not come first, or the name is taken.
        """
        if isinstance(layer, InputLayer):
            layer = layer.output
        if isinstance(layer, SymbolicTensor):
            if self._layers or self._start is not None:
                raise ValueError(f"{self.name}: an Input comes first, before any layer")
            self._start = layer
            return
        if isinstance(layer, type):
            raise TypeError(f"{self.name}: expected a layer, got the class {layer.__name__}: write {layer.__name__}(…)")
        if not isinstance(layer, Layer):
            raise TypeError(f"{self.name}: expected a layer or an Input, got {type(layer).__name__}")
        if any(layer is other for other in self._layers):
            raise ValueError(
                f"{self.name} has the layer {layer.name!r} already: make a second one, or share its weights in "
                "Model(inputs, outputs), calling it twice"
            )
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(f"{self.name} has a layer named {layer.name!r} already; give the new one another name")
        if not self._layers and self._start is None:
            self._start = _legacy_input(layer)
        self._layers.append(layer)
        if self._start is not None:
            try:
                self._extend(layer)
            except Exception:
                self._layers.pop()
                raise

    def pop(self) -> None:
        """Remove the last layer.  Raises IndexError if there is none."""
        if not self._layers:
            raise IndexError(f"{self.name} has no layer to remove")
        self._layers.pop()
        if self.calls:
            self._settle(self.calls[:-1])

    def build(self, input_shape: Any) -> None:
        """Make the weights for an input shape whose first axis is the batch, e.g. ``(None, 28, 28, 1)``."""
        if self.built:
            return
        if not self._layers:
            raise ValueError(f"{self.name} has no layers: add some before it is built")
        self._start = Input(tuple(input_shape)[1:])
        for layer in self._layers:
            self._extend(layer)

    def _extend(self, layer: Layer) -> None:
        """Connect the next layer."""
        x = self.outputs[0] if self.calls else self._start
        source = layer(x).source
        self._settle([*self.calls, source])

    def _settle(self, calls: list[Any]) -> None:
        assert self._start is not None
        self.calls = calls
        self.inputs, self.outputs = [self._start], [calls[-1].outputs[0] if calls else self._start]
        self.built = bool(calls)
        self._forget_programs()


def _legacy_input(layer: Layer) -> SymbolicTensor | None:
    """The Input of ``input_shape=`` or ``input_dim=`` of a first layer; a model as first layer brings its own shape."""
    if isinstance(layer, Model) and layer.built and len(layer.inputs) == 1:
        return Input(layer.inputs[0].shape[1:], dtype=layer.inputs[0].dtype)
    return Input(layer.input_shape_hint) if layer.input_shape_hint is not None else None
