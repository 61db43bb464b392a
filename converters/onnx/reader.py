"""ONNX → Graph, whole models.

`read` notes what is wrong with the frame of the model, declares the inputs, takes every node (`reading`), and arranges
the outputs as ONNX has them.  Nothing stops at the first problem: a node that cannot be taken leaves its outputs open,
what depends on them is passed over, and one error lists all that was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from edgenet.compile.passes import recognise
from edgenet.graph import Graph, Value
from edgenet.graph.spec import DTYPES

from . import fold as _fold
from . import frame as _frame
from .errors import Refused, UnsupportedModelError
from .frame import BRANCHING, Frame, reads, who
from .reading import Reading
from .tensor import Tensor

__all__ = ["Reader", "graph_inputs", "missing_operators", "read"]

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
Shapes = Mapping[str, Sequence[int | str]]
Values = Mapping[str, np.ndarray]


def read(model: onnx.ModelProto, shapes: Shapes | None = None, values: Values | None = None) -> Graph:
    """Read a model into a graph.

    Initialisers that take part in the arithmetic become variables (named as in the file, trainable except the moving
    statistics of batch normalisation); convolution kernels are stored (kh, kw, ci, co), matrices (k, n).

    Args:
        model: the model.
        shapes: shapes of inputs by name, where they differ from those in the model or the model leaves sizes open.  A
            size may be a name.  The first axis of an input may stay open: it keeps its name, else it is called
            "batch"; any other must be a number.
        values: contents of inputs by name, for inputs which say how to compute (a shape to reshape to, axes): they
            become constants, and are no inputs of the graph.

    Raises:
        UnsupportedModelError: lists everything in the model that cannot be taken over.
    """
    return Reader(model, shapes, values).graph


def graph_inputs(model: onnx.ModelProto) -> list[Any]:
    """The inputs a caller must give: those that are not initialisers too, as they may be in models of IR 3."""
    return _frame.graph_inputs(model.graph)


def missing_operators(model: onnx.ModelProto) -> list[str]:
    """What can be said against a model before its shapes are known."""
    frame = Frame.of(model)
    return list(dict.fromkeys([*frame.problems, *frame.missing()]))


class Reader(Reading):
    """One reading of one whole model; `graph` is the result."""

    def __init__(self, model: onnx.ModelProto, shapes: Shapes | None = None, values: Values | None = None) -> None:
        try:
            super().__init__(Frame.of(model))
            self.problems, self.values = list(self.frame.problems), dict(values or {})
            self.beyond = bool(self.problems)
            """whether something is wrong that evaluating nodes one by one would not cure"""
            self._read(dict(shapes or {}))
        except RecursionError:
            raise UnsupportedModelError("the ONNX model cannot be read", ["it is nested too deeply"]) from None
        if self.problems:
            hint = "" if self.beyond else "edgenet.InferenceSession can run it: it evaluates such nodes one by one"
            unique = list(dict.fromkeys(self.problems))
            raise UnsupportedModelError(f"the ONNX model {self.frame.name!r} cannot be read", unique, hint)
        recognise(self.graph)
        self._name_outputs()

    def _read(self, shapes: dict[str, Sequence[int | str]]) -> None:
        self._inputs(shapes)
        self.initialisers()
        for proto in self.frame.nodes:
            self._node(proto)
        for info in self.frame.outputs:
            self._output(info)

    def _inputs(self, shapes: dict[str, Sequence[int | str]]) -> None:
        for info in self.frame.inputs:
            if info.name in self.values:
                self.tensors[info.name] = Tensor.known(self.graph, info.name, self.values[info.name])
                shapes.pop(info.name, None)
                continue
            self.tensors[info.name] = None
            shape = self._input_shape(info, shapes.pop(info.name, None))
            if shape is None:
                continue
            kind = info.type.tensor_type.elem_type
            name = str(np.dtype(_fold.dtype_of(kind))) if kind not in FLOATS else "float32"
            if name not in DTYPES:
                self.problems.append(f"the input {info.name!r} is {name}: expected float32 (or float16)")
                continue
            value = self.graph.input(shape, name, info.name)
            self.tensors[info.name] = Tensor.held(value, name=info.name)
        if shapes:
            names = [i.name for i in self.frame.inputs]
            self.problems.append(f"shapes are given for {sorted(shapes)}, but the inputs are {names}")

    def _input_shape(self, info: Any, given: Sequence[int | str] | None) -> tuple[int | str, ...] | None:
        if not info.type.HasField("tensor_type"):
            self.problems.append(f"the input {info.name!r} is no tensor: {info.type.WhichOneof('value') or 'no type'}")
            return None
        tensor = info.type.tensor_type
        try:
            if tensor.elem_type not in FLOATS:
                _fold.dtype_of(tensor.elem_type)
        except Refused as error:
            self.problems.append(f"the input {info.name!r}: {error}")
            return None
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
        if not tensor.HasField("shape"):
            if given is None:
                self.problems.append(f"the input {info.name!r} has no shape: pass shapes={{{info.name!r}: (1, …)}}")
                return None
            dims = list(given)
        if given is not None and len(given) != len(dims):
            self.problems.append(f"the input {info.name!r} has {len(dims)} axes {_show(dims)}, got {tuple(given)}")
            return None
        shape = list(dims if given is None else given)
        if shape and (shape[0] is None or shape[0] == -1):
            shape[0] = dims[0] if isinstance(dims[0], str) else "batch"
        # shapes that contradict the file are taken: files with a fixed batch mostly work with another one
        unknown = [i for i, d in enumerate(shape) if i and not isinstance(d, int | np.integer)]
        if unknown:
            example = tuple("batch" if not i else 1 if i in unknown else d for i, d in enumerate(shape))
            self.problems.append(
                f"the input {info.name!r} of shape {_show(dims)} has sizes that must be known: "
                f"pass numbers for the axes {unknown}, as in shapes={{{info.name!r}: {example}}}"
            )
            return None
        if any(isinstance(d, int | np.integer) and d < 0 for d in shape):
            self.problems.append(f"the input {info.name!r} has the shape {_show(shape)} with a negative size")
            return None
        return tuple(d if isinstance(d, str) else int(d) for d in shape if d is not None)

    # nodes -----------------------------------------------------------------------------------------------------------

    def _node(self, proto: Any) -> None:
        for name in filter(None, proto.output):
            self.tensors.setdefault(name, None)
        if not self.frame.unknown(proto) and any(self.tensors.get(name) is None for name in reads(proto)):
            return  # what is wrong has been said where it began
        try:
            self.take(proto)
        except Refused as error:
            self.problems.append(f"{who(proto)}: {error}")
            runs = _fold.can_fold(proto.op_type, self.frame.domain(proto)[0]) or proto.op_type in BRANCHING
            self.beyond = self.beyond or not runs or bool(self.frame.unknown(proto))

    def _output(self, info: Any) -> None:
        tensor = self.tensors.get(info.name)
        if tensor is None:
            return
        try:
            self.graph.outputs.append(self._value(tensor))
        except Refused as error:
            self.problems.append(f"the output {info.name!r}: {error}")

    def _name_outputs(self) -> None:
        """Let what nodes compute for the outputs bear the names of these."""
        graph = self.graph
        taken = {
            v.name for v in [*graph.inputs, *(v for n in graph.nodes for v in (*n.inputs, *n.outputs) if v is not None)]
        }
        for value, info in zip(graph.outputs, self.frame.outputs, strict=True):
            if value.node is not None and info.name not in taken:
                value.name = info.name
                taken.add(info.name)

    def _value(self, tensor: Tensor) -> Value:
        array = tensor.array
        if array is None or array.dtype.kind in "fO":
            return tensor.plain()
        if str(array.dtype) not in DTYPES:
            raise Refused(f"it is {array.dtype}: expected one of {', '.join(DTYPES)}")
        return self.graph.constant(array, tensor.name or "constant")


def _show(dims: Sequence[Any]) -> str:
    return f"[{', '.join('?' if d is None else str(d) for d in dims)}]"
