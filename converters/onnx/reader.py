"""ONNX → Graph.

`read` takes four steps: it checks the frame of the model (opset, inputs, initialisers), orders the nodes that the
outputs need, hands each to `fold` (everything known) or to its importer (`registry`), and arranges the outputs as ONNX
has them.  Nothing stops at the first problem: a node that cannot be taken over leaves its outputs open, what depends on
them is passed over, and one error lists all that was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.inliner

from edgenet.compile.passes import recognise
from edgenet.graph import Graph, Value
from edgenet.graph.spec import DTYPES

from . import fold as _fold
from . import ops as _ops  # noqa: F401  registers the converters
from .errors import Refused, UnsupportedModelError
from .node import OnnxNode
from .registry import NEWEST, OLDEST, find_importer
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
    fixed = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in fixed]


def missing_operators(model: onnx.ModelProto) -> list[str]:
    """What can be said against a model before its shapes are known: the operators that nobody reads."""
    try:
        Reader(model, probe=True)
    except UnsupportedModelError as error:
        return error.problems
    return []


class Reader:
    """One reading of one model; `graph` is the result."""

    def __init__(
        self, model: onnx.ModelProto, shapes: Shapes | None = None, values: Values | None = None, probe: bool = False
    ) -> None:
        self.problems: list[str] = []
        self.probe = probe
        self.values = dict(values or {})
        name = model.graph.name or "model"
        self.graph = Graph(name)
        self.tensors: dict[str, Tensor | None] = {}
        """by ONNX name; None: something that it depends on was refused"""
        try:
            self._read(model, dict(shapes or {}))
        except RecursionError:
            self.problems.append("the model is nested too deeply")
        if self.problems:
            unique = list(dict.fromkeys(self.problems))
            raise UnsupportedModelError(f"the ONNX model {name!r} cannot be read", unique)
        recognise(self.graph)

    def _read(self, model: onnx.ModelProto, shapes: dict[str, Sequence[int | str]]) -> None:
        model = self._inlined(model)
        self.opsets = {"" if o.domain == "ai.onnx" else o.domain: o.version for o in model.opset_import}
        self._check_opset()
        if self.probe:
            self.tensors = {i.name: None for i in [*graph_inputs(model), *model.graph.initializer]}
        else:
            self._inputs(model, shapes)
            self._initialisers(model.graph)
        nodes = self._ordered(model.graph)
        self.used = {i for node in nodes for i in node.input} | {o.name for o in model.graph.output}
        for node in nodes:
            self._node(node)
        if self.probe:
            return
        self._outputs(model.graph)

    # the frame -------------------------------------------------------------------------------------------------------

    def _inlined(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """The model with its own functions written out."""
        if len(model.functions):
            try:
                return onnx.inliner.inline_local_functions(model)
            except Exception as error:
                self.problems.append(f"its functions cannot be written out: {error}")
        return model

    def _check_opset(self) -> None:
        opset = self.opset = self.opsets.get("", 0)
        if not OLDEST <= opset <= NEWEST:
            hint = "convert it with onnx.version_converter" if opset < OLDEST else "a newer onnx package may know it"
            self.problems.append(f"opset {opset} is outside of {OLDEST} to {NEWEST}: {hint}")

    def _inputs(self, model: onnx.ModelProto, shapes: dict[str, Sequence[int | str]]) -> None:
        for info in graph_inputs(model):
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
            names = [i.name for i in graph_inputs(model)]
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

    def _initialisers(self, graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            self.tensors[tensor.name] = None
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                self.problems.append(f"the weights {tensor.name!r} lie in another file: pass the path of the model")
                continue
            try:
                array = np.asarray(onnx.numpy_helper.to_array(tensor))
            except Exception as error:
                self.problems.append(f"the initialiser {tensor.name!r} is damaged: {error}")
                continue
            self.tensors[tensor.name] = Tensor.known(self.graph, tensor.name, array, weight=True)
        self.problems += [
            f"the sparse initialiser {t.values.name!r} is not supported" for t in graph.sparse_initializer
        ]

    # order -----------------------------------------------------------------------------------------------------------

    def _ordered(self, graph: onnx.GraphProto) -> list[Any]:
        """The nodes that the outputs depend on, each after those it reads from."""
        makers: dict[str, int] = {}
        for i, node in enumerate(graph.node):
            for name in filter(None, node.output):
                if name in makers or name in self.tensors:
                    self.problems.append(f"{_who(node)}: its output {name!r} has a second origin")
                makers.setdefault(name, i)
        order: list[int] = []
        state: dict[int, int] = {}  # 1: begun, 2: done
        for output in graph.output:
            if output.name not in makers and output.name not in self.tensors:
                self.problems.append(f"the output {output.name!r} is computed by no node")
            stack = [makers[output.name]] if output.name in makers else []
            while stack:
                i = stack[-1]
                if state.get(i, 0) == 0:
                    state[i] = 1
                    before = [makers[name] for name in graph.node[i].input if name in makers]
                    for j in before:
                        if state.get(j) == 1:
                            self.problems.append(
                                f"{_who(graph.node[i])}: it depends on itself, through {_who(graph.node[j])}"
                            )
                    stack += [j for j in reversed(before) if state.get(j, 0) == 0]
                    continue
                stack.pop()
                if state[i] == 1:
                    state[i] = 2
                    order.append(i)
        nodes = [graph.node[i] for i in order]
        for node in nodes:
            for name in filter(None, node.input):
                if name not in makers and name not in self.tensors:
                    self.problems.append(f"{_who(node)}: its input {name!r} comes from nowhere")
                    self.tensors[name] = None
        return nodes

    # nodes -----------------------------------------------------------------------------------------------------------

    def _node(self, proto: Any) -> None:
        for name in filter(None, proto.output):
            self.tensors.setdefault(name, None)
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        opset = self.opsets.get(domain, 0)
        found = find_importer(proto.op_type, domain, opset)
        foldable = _fold.can_fold(proto.op_type, domain)
        if found is None and not foldable:
            where = f" of the domain {domain!r}" if domain else ""
            self.problems.append(
                f"{_who(proto)}: the operator {proto.op_type}{where} (opset {opset}) is not supported; export "
                "without it, or cut the model before it"
            )
            return
        if self.probe or any(name and self.tensors.get(name) is None for name in proto.input):
            return  # what is wrong has been said where it began
        inputs = [self.tensors[name] if name else None for name in proto.input]
        node = OnnxNode(proto, inputs, opset, self.graph, self.used)
        try:
            results = self._converted(node, found, foldable)
        except (Refused, ValueError) as error:  # ShapeError is a ValueError
            self.problems.append(f"{_who(proto)}: {error}")
        except Exception as error:  # a malformed node; the reader must survive any
            self.problems.append(f"{_who(proto)}: it is malformed ({type(error).__name__}: {error})")
        else:
            for name, tensor in zip(proto.output, results, strict=False):
                if name:
                    tensor.name = tensor.name or name
                    self.tensors[name] = tensor

    def _converted(self, node: OnnxNode, found: Any, foldable: bool) -> list[Tensor]:
        known = [t for t in node.inputs if t is not None]
        if foldable and all(t.array is not None for t in known):
            arrays = _fold.fold(node)
            results = [node.constant(a, like=known[0] if node.op in KEEPS else None) for a in arrays]
        elif found is None:
            held = next(t for t in known if t.array is None)
            node.refuse(f"{node.op} is supported on constants only, but {held.name!r} is computed from the inputs")
        else:
            for t in known:
                if t.array is None and t.dtype != "float32" and not found.any_dtype:
                    node.refuse(f"it would compute with {t.dtype} ({t.name!r}): only float32 is supported")
            result = found.read(node)
            made: list[Any] = list(result) if isinstance(result, list | tuple) else [result]
            results = [r if isinstance(r, Tensor) else Tensor.held(r) for r in made]
        if unseen := node.unseen():
            node.refuse(f"the attributes {', '.join(unseen)} are not supported")
        if any(node.uses_output(i) for i in range(len(results), len(node.output_names))):
            node.refuse(f"only {len(results)} of its {len(node.output_names)} outputs can be computed")
        return results

    def _outputs(self, graph: onnx.GraphProto) -> None:
        for info in graph.output:
            tensor = self.tensors.get(info.name)
            if tensor is None:
                continue
            try:
                self.graph.outputs.append(self._output(tensor))
            except Refused as error:
                self.problems.append(f"the output {info.name!r}: {error}")
        if not graph.output:
            self.problems.append("it has no outputs")

    def _output(self, tensor: Tensor) -> Value:
        array = tensor.array
        if array is None or array.dtype.kind in "fO":
            return tensor.plain()
        if str(array.dtype) not in DTYPES:
            raise Refused(f"it is {array.dtype}: expected one of {', '.join(DTYPES)}")
        return self.graph.constant(array, tensor.name or "constant")


#: operators whose result is still the weight that went in, seen otherwise
KEEPS = {"Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Cast", "DequantizeLinear"}


def _who(node: Any) -> str:
    name = node.name or next((f"→ {o}" for o in node.output if o), "?")
    return f"{node.op_type} node {name!r}"


def _show(dims: Sequence[Any]) -> str:
    return f"[{', '.join('?' if d is None else str(d) for d in dims)}]"
