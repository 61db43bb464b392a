"""ONNX → Graph.

`Reading` takes nodes one at a time into a graph: it hands each to `fold` (everything known) or to its importer
(`registry`).  `read` reads a whole model so: it notes what is wrong with the frame of the model, declares the inputs,
takes every node, and arranges the outputs as ONNX has them.  Nothing stops at the first problem: a node that cannot be
taken leaves its outputs open, what depends on them is passed over, and one error lists all that was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from edgenet.compile.passes import recognise
from edgenet.graph import Graph, Node, Value
from edgenet.graph.spec import DTYPES
from edgenet.ops.quantize import LIMITS

from . import fold as _fold
from . import frame as _frame
from . import integers as _integers
from . import ops as _ops  # noqa: F401  registers the converters
from .errors import Open, Refused, UnsupportedModelError
from .frame import BRANCHING, Frame, reads, who
from .loops import is_loop, write_out
from .node import OnnxNode
from .registry import find_importer
from .tensor import Tensor

__all__ = ["Reader", "Reading", "graph_inputs", "missing_operators", "read"]

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
#: elements of a tensor; one that is larger is surely a size that lies
LARGEST = 1 << 30
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


class Reading:
    """A graph into which nodes are taken one at a time; `tensors` holds what is known of each ONNX name."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.opset = frame.opsets.get("", 0)
        self.graph = Graph(frame.name)
        self.tensors: dict[str, Tensor | None] = {}
        """by ONNX name; None: something that it depends on was refused"""
        self._origins: dict[int, tuple[Node, Any]] = {}

    def take(self, proto: Any) -> list[Tensor]:
        """Take over a node all of whose inputs are known; returns its outputs, which `tensors` holds too.

        Raises:
            Refused: why the node cannot be taken over.
        """
        if missing := self.frame.unknown(proto):
            raise Refused(missing)
        if is_loop(proto):
            return self._loop(proto)
        first = len(self.graph.nodes)
        domain, opset = self.frame.domain(proto)
        found, foldable = find_importer(proto.op_type, domain, opset), _fold.can_fold(proto.op_type, domain)
        if found is None and not foldable and domain == "" and proto.op_type == "If":
            results = self._branch(proto)
        else:
            inputs = [self.tensors[name] if name else None for name in proto.input]
            node = OnnxNode(proto, inputs, opset, self.graph, self.frame.used)
            try:
                results = self._converted(node, found, foldable)
            except Refused:
                raise
            except ValueError as error:  # ShapeError is one
                raise Refused(str(error)) from None
            except Exception as error:  # a malformed node; the reader must survive any
                raise Refused(f"it is malformed ({type(error).__name__}: {error})") from error
        for made in self.graph.nodes[first:]:
            self._origins.setdefault(id(made), (made, proto))
        for name, tensor in zip(proto.output, results, strict=False):
            if name:
                tensor.name = tensor.name or name
                self.tensors[name] = tensor
        return results

    def origin(self, node: Node) -> Any:
        """The ONNX node that a node of the graph was made for; None where passes have made it."""
        made, proto = self._origins.get(id(node), (None, None))
        return proto if made is node else None

    def _converted(self, node: OnnxNode, found: Any, foldable: bool) -> list[Tensor]:
        known = [t for t in node.inputs if t is not None]
        if foldable and all(t.array is not None for t in known):
            results = self._folded(node, found)
        elif found is None:
            held = next(t for t in known if t.array is None)
            node.refuse(f"{node.op} is supported on constants only, but {held.name!r} is computed from the inputs")
        else:
            results = self._read_by(found, node)
            _limit(node, results)
        _integers.follow(node, None if found is None else found.read, results)
        if unseen := node.unseen():
            node.refuse(f"the attributes {', '.join(unseen)} are not supported")
        if any(node.uses_output(i) for i in range(len(results), len(node.output_names))):
            node.refuse(f"only {len(results)} of its {len(node.output_names)} outputs can be computed")
        return results

    def _folded(self, node: OnnxNode, found: Any) -> list[Tensor]:
        """What a node makes of what is known; its importer may be able to wait for a size."""
        like = node.inputs[0] if node.op in KEEPS else None
        try:
            return [node.constant(a, like=like) for a in _fold.fold(node)]
        except Open as error:
            if found is None:
                raise
            try:
                return self._read_by(found, node)
            except Refused:
                raise error from None

    def _read_by(self, found: Any, node: OnnxNode) -> list[Tensor]:
        """The results of a node's importer."""
        others = [t for t in node.inputs if t is not None and t.array is None and t.dtype != "float32"]
        dtype = next((t.dtype for t in others if t.dtype in LIMITS), "")
        picks = bool(dtype) and not found.any_dtype and node.op in PICKS
        if picks:
            floats = [_integers.as_float(t) if t is not None and t.dtype == dtype else t for t in node.inputs]
            node = _integers.with_input(node, *floats)
        elif others and not found.any_dtype:
            t = others[0]
            raise Refused(f"it would compute with {t.dtype} ({t.name!r}): only float32 is supported", t.name)
        result = found.read(node)
        made: list[Any] = list(result) if isinstance(result, list | tuple) else [result]
        results = [r if isinstance(r, Tensor) else Tensor.held(r) for r in made]
        return [_integers.as_integers(r, dtype) for r in results] if picks else results

    def _branch(self, proto: Any) -> list[Tensor]:
        """The results of an If whose condition is known: the nodes of that branch are taken in its place."""
        condition = self.tensors.get(proto.input[0]) if len(proto.input) else None
        if condition is None or condition.array is None or condition.array.size != 1:
            raise Refused("the condition must be a constant, but it is computed from the inputs")
        frame, before = branch(proto, bool(condition.array.reshape(-1)[0]), self.frame.opsets), dict(self.tensors)
        if frame.problems:
            raise Refused("; ".join(frame.problems))
        outer = self.frame
        try:
            self.frame = frame
            self.initialisers()
            for node in frame.nodes:
                try:
                    self.take(node)
                except Refused as error:
                    raise Refused(f"{who(node)}: {error}") from None
            results = [self.tensors[o.name] for o in frame.outputs]
        finally:
            self.frame, self.tensors = outer, before
        return [t for t in results if t is not None]

    def _loop(self, proto: Any) -> list[Tensor]:
        """The results of a Loop whose iterations can be counted: they are taken in its place."""
        write_out(proto, self.frame, self.contents, self.take)
        results = [self.tensors[name] for name in proto.output if name]
        return [t for t in results if t is not None]

    def contents(self, name: str) -> np.ndarray | None:
        """The array of a name where it does not depend on the inputs of the model."""
        tensor = self.tensors.get(name)
        return None if tensor is None else tensor.array

    def initialisers(self) -> None:
        """Declare the stored arrays of the frame."""
        for name, array in self.frame.arrays.items():
            self.tensors[name] = None if array is None else Tensor.known(self.graph, name, array, weight=True)


def branch(proto: Any, taken: bool, opsets: Mapping[str, int]) -> Frame:
    """The branch of an If."""
    name = "then_branch" if taken else "else_branch"
    graph = next((a.g for a in proto.attribute if a.name == name and a.HasField("g")), None)
    if graph is None:
        raise Refused(f"its {name} is missing")
    frame = Frame(graph, opsets, reads(proto))
    if len(frame.outputs) != len(proto.output):
        raise Refused(f"its {name} has {len(frame.outputs)} outputs, the node has {len(proto.output)}")
    return frame


def _limit(node: OnnxNode, results: Sequence[Tensor]) -> None:
    for t in results:
        if t.array is None and np.prod([s for s in t.shape if not isinstance(s, str)], dtype=float) > LARGEST:
            node.refuse(f"its result of shape {list(t.shape)} is too large")


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


#: operators whose result is still the weight that went in, seen otherwise
KEEPS = {"Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Cast", "DequantizeLinear"}


#: operators whose results are numbers of their inputs: those of eight bits pass through floats unharmed
PICKS = {
    "Clip", "Concat", "DepthToSpace", "Expand", "GlobalMaxPool", "Max", "MaxPool", "Min", "Pad", "ReduceMax",
    "ReduceMin", "Slice", "SpaceToDepth", "Split", "Tile",
}  # fmt: skip


def _show(dims: Sequence[Any]) -> str:
    return f"[{', '.join('?' if d is None else str(d) for d in dims)}]"
