"""A graph of layers with inputs and outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from edgenet.graph import Graph, Value
from edgenet.layers.layer import Layer
from edgenet.layers.serialization import custom_object_scope
from edgenet.layers.tensor import Connection, SymbolicTensor, unwrap

from . import copying, saving, serialize
from .keywords import FORMER_METHODS, NEVER_CALLED
from .programs import predict_graph
from .summary import summary_text
from .topology import connections_between, layers_in_order, walk
from .trainer import Trainer


class Model(Trainer):
    """The layer calls between `inputs` and `outputs`; also a layer itself.

    Args:
        inputs: the result of `edgenet.Input`, or a list of them.
        outputs: what layers made of them, one or a list.
        name: name of the model.
        trainable: whether training changes any of its weights.

    Raises:
        ValueError: if an output does not follow from the inputs, or two layers have the same name.

    >>> from edgenet import Input, Model, layers
    >>> x = Input((4,))
    >>> model = Model(x, layers.Dense(3)(x))
    >>> model.output_shape, model.count_params()
    ((None, 3), 15)
    """

    former: ClassVar[Mapping[str, str]] = {"input": "inputs", "output": "outputs"}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in NEVER_CALLED:
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{name} would never be called: a step is one compiled program; write a loss, a "
                    "metric or a callback of your own, or a loop over train_on_batch"
                )

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True
    ) -> None:
        super().__init__(name=name)
        if inputs is None or outputs is None:
            raise TypeError(
                f"{type(self).__name__}: a model is Sequential([…]) or Model(inputs, outputs), which are what layers "
                "made of edgenet.Input(…); a subclass with its own call is a Layer, not a Model"
            )
        starts, self._nested_inputs = unwrap(inputs)
        ends, self._nested_outputs = unwrap(outputs)
        for what, tensors in (("inputs", starts), ("outputs", ends)):
            if not tensors or not all(isinstance(t, SymbolicTensor) for t in tensors):
                got = ", ".join(type(t).__name__ for t in tensors) or "nothing"
                raise TypeError(f"{self.name}: {what} must come from edgenet.Input and from layers, got {got}")
        self._connect_all(starts, ends)
        if not trainable:
            self.trainable = False

    def _connect_all(self, inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> None:
        """Settle what lies between inputs and outputs."""
        self.inputs, self.outputs = inputs, outputs
        self.calls: list[Connection] = connections_between(inputs, outputs)
        self._layers = layers_in_order(self.calls, outputs)
        names = [layer.name for layer in self._layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{self.name}: two layers have the name {name!r}; give them different names")
        self.built = True
        self._forget_programs()

    # structure -------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, those far from the outputs first (Inputs are not layers)."""
        return list(self._layers)

    def _parts(self) -> list[Layer]:
        """The layers inside, in the order of their weights."""
        return getattr(self, "_layers", [])

    def count_params(self) -> int:
        """Number of weights.  Raises ValueError if the model is not built."""
        self._ends()
        return super().count_params()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of a name or of a place in `layers`.  Raises ValueError if there is none."""
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"{self.name} has {len(self.layers)} layers, got index {index}")
            return self.layers[index]
        if name is None:
            raise ValueError(f"{self.name}.get_layer: give the name of a layer, or index=…")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"{self.name} has no layer {name!r}, only {', '.join(x.name for x in self.layers)}")

    def _ends(self) -> tuple[list[SymbolicTensor], list[SymbolicTensor]]:
        """The inputs and outputs of a model that knows them."""
        if not self.built:
            raise ValueError(
                f"{self.name} does not know its input shape yet: begin it with edgenet.Input, call "
                "model.build((None, …)) or model.fit(x, y)"
            )
        return self.inputs, self.outputs

    @property
    def input(self) -> Any:
        """The input, or a list of them."""
        inputs = self._ends()[0]
        return inputs if self._nested_inputs else inputs[0]

    @property
    def output(self) -> Any:
        """The output, or a list of them."""
        outputs = self._ends()[1]
        return outputs if self._nested_outputs else outputs[0]

    @property
    def input_shape(self) -> Any:
        """Shape of the input, the batch None; a list of them for several."""
        shapes = [(None, *t.shape[1:]) for t in self._ends()[0]]
        return shapes if self._nested_inputs else shapes[0]

    @property
    def output_shape(self) -> Any:
        """Shape of the output, the batch None; a list of them for several."""
        shapes = [(None, *t.shape[1:]) for t in self._ends()[1]]
        return shapes if self._nested_outputs else shapes[0]

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, which a dictionary of arrays may use."""
        return _distinct([t.name or "input" for t in self._ends()[0]])

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that compute the outputs."""
        return _distinct([t.source.layer.name if t.source else t.name for t in self._ends()[1]])

    # as a layer, as a graph ------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, training: bool | None = None) -> Any:
        """The outputs as arrays where the inputs are arrays; else as any `Layer`.

        Raises:
            ValueError: for arrays with ``training=True``: only `fit` and `train_on_batch` run a model in training.

        >>> from edgenet import Input, Sequential, layers
        >>> Sequential([Input((4,)), layers.Dense(3)])([[1.0, 2.0, 3.0, 4.0]]).shape
        (1, 3)
        """
        given = list(inputs.values()) if isinstance(inputs, Mapping) else unwrap(inputs)[0]
        if not given or any(isinstance(v, SymbolicTensor | Value) for v in given):
            return super().__call__(inputs, training)
        if training:
            raise ValueError(f"{self.name}: arrays go through the model in inference only, got training=True")
        return self.predict_on_batch(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output for inputs of a shape, the batch None."""
        if not self.built:
            self.build(input_shape)
        return self.output_shape

    def call(self, x: Any, training: bool = False) -> Any:
        """Emit the model on values of a graph."""
        values: list[Value] = list(x) if isinstance(x, list | tuple) else [x]
        if len(values) != len(self._ends()[0]):
            raise ValueError(f"{self.name} has {len(self.inputs)} inputs, it was called on {len(values)}")
        results = self.emit(values[0].graph, values, training)
        return results if self._nested_outputs else results[0]

    def emit(self, graph: Graph, values: Sequence[Value], training: bool = False) -> list[Value]:
        """Emit the ops of all layers on `values`, one for each input; returns one value for each output."""
        known = {id(t): v for t, v in zip(self._ends()[0], values, strict=True)}
        for _ in walk(self.calls, known, training):
            pass
        return [known[id(t)] for t in self.outputs]

    def graph(self, batch: int | str = "batch") -> Graph:
        """The model in inference as a `edgenet.graph.Graph`, whose batch is a number or a name."""
        graph = predict_graph(self, batch)
        named = {v.name: v for node in graph.nodes for v in node.outputs}
        told = [getattr(t.source.layer, "output_name", None) if t.source else None for t in self._ends()[1]]
        names = _distinct([of_file or name for of_file, name in zip(told, self.output_names, strict=True)])
        for value, name in zip(graph.outputs, names, strict=True):
            if value.node is not None and value.name != name:
                if name in named:
                    named[name].name = graph.unique(
                        name
                    )  # a node may bear the name of its op, which is the layer's too
                value.name = name
        return graph

    def to_onnx(
        self, path: str | os.PathLike[str], *, opset: int = 17, layout: Literal["NHWC", "NCHW"] = "NHWC",
        check: bool = True,
    ) -> None:  # fmt: skip
        """Write the model as an ONNX file, with a symbolic batch.

        Args:
            path: the file.
            opset: version of the operators, 13 or newer; the version of the file format follows.
            layout: how images stand in the inputs and outputs of the file, (n, h, w, c) or (n, c, h, w).
            check: whether to run what is written in onnxruntime, if it is installed, at batch 1, 2 and 7 on random
                numbers.

        Raises:
            FileNotFoundError: if the folder does not exist.
            ImportError: if the package ``onnx`` is not installed.
            ValueError: if a layer has no form in this opset, or opset or layout are none.
            AssertionError: if onnxruntime computes something that differs by more than 1e-4, relative to the largest
                number of an output; then no file is written.
        """
        saving.check_folder(path, "export")
        try:
            from edgenet.converters.onnx import save
        except ModuleNotFoundError as error:
            if error.name != "onnx":
                raise
            raise ImportError(f'{self.name}.export needs the package onnx: pip install "edgenet[onnx]"') from error
        save(self.graph(), path, opset=opset, layout=layout, check=check)

    def export(self, filepath: str | os.PathLike[str], format: str = "onnx", **options: Any) -> None:
        """Write the model for other software; `options`: those of `to_onnx`.

        Raises:
            ValueError: for another format than ``"onnx"``; else as `to_onnx`.
        """
        if format != "onnx":
            raise ValueError(f"{self.name}: models are exported as 'onnx', got format={format!r}")
        self.to_onnx(filepath, **options)

    if not TYPE_CHECKING:  # a checker should go on refusing names that are not there

        def __getattr__(self, name: str) -> Any:
            """Say what to write instead of a method of older code."""
            told = f"; write {FORMER_METHODS[name]}" if name in FORMER_METHODS else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{told}")

    # description and files -------------------------------------------------------------------------------------------

    def summary(
        self, line_length: int | None = None, positions: Any = None, print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None,
    ) -> None:  # fmt: skip
        """Print the layers with output shapes, numbers of weights, and multiply-adds (MACs) of one sample.

        Args:
            line_length: width of the table; by default as wide as it must be.
            positions: None.
            print_fn: called with the text in place of ``print``.
            expand_nested: False: call ``summary`` on the inner model, ``model.get_layer(name).summary()``.
            show_trainable: whether a column says what training changes.
            layer_range: None.

        Raises:
            ValueError: for other `positions`, `expand_nested` or `layer_range`.
        """
        for name, value in (("positions", positions), ("layer_range", layer_range), ("expand_nested", expand_nested)):
            if value:
                raise ValueError(
                    f"{self.name}.summary: {name}={value!r} is not supported: the table shows every layer of this "
                    "model; of a model inside ask model.get_layer(name).summary()"
                )
        (print_fn or print)(summary_text(self, line_length, show_trainable))

    def get_config(self) -> dict[str, Any]:
        """Layers and connections, as JSON can hold them."""
        return serialize.model_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Model:
        """A new model, with new weights, of a config.  Raises ValueError if it is none."""
        with custom_object_scope(custom_objects):
            return serialize.model_from_config(cls, config)

    def to_json(self) -> str:
        """The config as text."""
        return serialize.to_json(self)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write layers, weights, and the state of training in one file, which `edgenet.load_model` reads.

        Raises:
            FileExistsError: if the file exists and `overwrite` is false.
        """
        saving.save_model(self, filepath, overwrite)

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        """A model of its own, with equal weights and state of training."""
        memo[id(self)] = made = copying.copied(self)
        return made

    def __copy__(self) -> Model:
        """As ``copy.deepcopy``: two models that share programs and weights would only be one."""
        return copying.copied(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: the bytes that a file would hold."""
        return copying.reduced(self)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights alone."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Read the weights of a file of `save_weights` or `save`, for a model of the same layers.

        Raises:
            ValueError: if the file is damaged, or holds other weights.
        """
        saving.load_weights(self, filepath)

    def save_training(self, filepath: str | os.PathLike[str], notes: Mapping[str, Any] | None = None) -> None:
        """Write the weights and the state of training, and `notes`, as JSON can hold them, for `load_training`."""
        saving.save_training(self, filepath, notes or {})

    def load_training(self, filepath: str | os.PathLike[str]) -> dict[str, Any]:
        """Go back to the state of training that `save_training` wrote of this model; returns the notes.

        Raises:
            ValueError: if the file is damaged, or belongs to another model or optimizer.
        """
        return saving.load_training(self, filepath)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _distinct(names: list[str]) -> list[str]:
    """The names, numbered where they repeat."""
    return [n if names.count(n) == 1 else f"{n}_{names[:i].count(n)}" for i, n in enumerate(names)]
