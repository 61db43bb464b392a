"""Graph → ONNX.

Every node of the graph goes to its exporter (`registry`).  ONNX wants images as (n, c, h, w), the graph holds
(n, h, w, c): for each value the writer keeps the names of its forms, one for each arrangement in which it exists.  An
exporter asks for the form it needs; one that is missing is made by a Transpose, once.  Operators that do not care stay
in the arrangement their input has, so a chain of convolutions is transposed where it begins and where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NoReturn

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgenet.graph import Graph, Node, Value

from . import arrange
from .arrange import Axes
from .errors import Refused, UnsupportedModelError
from .registry import NEWEST, find_exporter, why_no_form

#: the oldest opset that can be written: since then axes and pads are inputs wherever they are now, bar some reductions
OLDEST_WRITTEN = 13

Layout = Literal["NHWC", "NCHW"]


def write(graph: Graph, *, opset: int = 17, ir_version: int | None = None, layout: Layout = "NHWC") -> onnx.ModelProto:
    """Write an inference graph as an ONNX model, checked by `onnx.checker`.

    Args:
        graph: the graph; a size may be a name, which becomes a dim_param.
        opset: of the default domain, 13 or newer; what it has no operator for is written in smaller pieces.
        ir_version: of the file format; by default the oldest that the opset goes with, and at least 8.
        layout: how images (inputs and outputs of four axes) stand in the interface of the model.

    Raises:
        UnsupportedModelError: lists every node that has no ONNX form, and why.
    """
    from . import ops  # noqa: F401  registers the exporters, which import this module

    if layout not in ("NHWC", "NCHW"):
        raise ValueError(f"expected the layout NHWC or NCHW, got {layout!r}")
    if not OLDEST_WRITTEN <= opset <= NEWEST:
        raise ValueError(f"expected an opset from {OLDEST_WRITTEN} to {NEWEST}, got {opset}")
    if ir_version is None:
        ir_version = max(8, helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))
    model = Writer(graph, opset, layout).model(ir_version)
    onnx.checker.check_model(model, full_check=True)
    return model


class Writer:
    """One writing of one graph; exporters call its methods."""

    def __init__(self, graph: Graph, opset: int, layout: Layout) -> None:
        self.graph = graph
        self.opset = opset
        self.layout = layout
        self.nodes: list[Any] = []
        self.initialisers: list[Any] = []
        self._forms: dict[int, dict[Axes, str]] = {}
        self._operands: dict[tuple[int, int, Axes], str] = {}
        self._reserved = {v.name for v in graph.outputs if v.node is not None}
        self._names = self._reserved | {""}
        self._ints: dict[Any, str] = {}
        self._numbers: dict[float, str] = {}
        self._keep: list[Value] = []

    # the whole -------------------------------------------------------------------------------------------------------

    def model(self, ir_version: int) -> onnx.ModelProto:
        """The model."""
        self._check()
        inputs = [self._input(v) for v in self.graph.inputs]
        problems = []
        for node in self._needed():
            try:
                write = find_exporter(node.op)
                assert write is not None
                write(node, self)
            except Refused as error:
                problems.append(f"{_called(node)}: {error}")
                for value in node.outputs:
                    self._forms.setdefault(id(value), {arrange.plain(value.spec.rank): ""})
        self._raise(problems)
        outputs = self._declared_outputs()
        body = helper.make_graph(self.nodes, self.graph.name or "graph", inputs, outputs, self.initialisers)
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(body, opset_imports=opsets, ir_version=ir_version, producer_name="edgenet")

    def _check(self) -> None:
        """Collect everything without an ONNX form before anything is written."""
        problems = []
        for node in self._needed():
            if find_exporter(node.op) is None:
                reason = why_no_form(node.op) or "nobody has written an exporter for it"
                problems.append(f"{_called(node)} has no ONNX form: {reason}")
        self._raise(problems)

    def _raise(self, problems: list[str]) -> None:
        if problems:
            raise UnsupportedModelError(f"the graph {self.graph.name!r} cannot be written as ONNX", problems)

    def _needed(self) -> list[Node]:
        """The nodes that the outputs depend on, and those that change variables (which are refused)."""
        needed = {id(v) for v in self.graph.outputs}
        kept = []
        for node in reversed(self.graph.nodes):
            if not node.outputs or any(id(v) in needed for v in node.outputs) or why_no_form(node.op):
                needed.update(id(v) for v in node.inputs)
                kept.append(node)
        return kept[::-1]

    def _interface(self, rank: int) -> Axes:
        return arrange.channels_first(rank) if self.layout == "NCHW" and rank == 4 else arrange.plain(rank)

    def _input(self, value: Value) -> Any:
        axes = self._interface(value.spec.rank)
        name = self.unique(value.name)
        self._register(value, axes, name)
        return _info(name, value, axes)

    def _declared_outputs(self) -> list[Any]:
        """Give the outputs their names and arrangement."""
        infos: list[Any] = []
        renames: dict[str, str] = {}
        for value in self.graph.outputs:
            axes = self._interface(value.spec.rank)
            name = self.name(value, axes)
            if name in renames or not any(name in node.output for node in self.nodes):
                name = self.node("Identity", [name], value.name)  # an input, a weight, or an output for a second time
            free = value.name in self._reserved and value.name not in renames.values()
            renames[name] = value.name if free else name
            infos.append(_info(renames[name], value, axes))
        for node in self.nodes:
            node.input[:] = [renames.get(n, n) for n in node.input]
            node.output[:] = [renames.get(n, n) for n in node.output]
        return infos

    # names -----------------------------------------------------------------------------------------------------------

    def unique(self, base: str) -> str:
        """A name that nothing in the model has yet."""
        name, count = base, 0
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names.add(name)
        return name

    def _register(self, value: Value, axes: Axes, name: str) -> None:
        self._forms.setdefault(id(value), {})[axes] = name
        self._keep.append(value)

    def refuse(self, reason: str) -> NoReturn:
        """Say why a node has no ONNX form."""
        raise Refused(reason)

    # what exporters read ---------------------------------------------------------------------------------------------

    def held(self, value: Value) -> Axes:
        """The arrangement in which a value was made; constants and variables have the plain one."""
        if value.data is not None:
            return arrange.plain(value.spec.rank)
        return next(iter(self._forms.get(id(value), {})), arrange.plain(value.spec.rank))

    def name(self, value: Value, axes: Axes | None = None) -> str:
        """The name of a value whose place j is its axis ``axes[j]`` (default: in the order it has in the graph)."""
        axes = arrange.plain(value.spec.rank) if axes is None else axes
        forms = self._forms.setdefault(id(value), {})
        if axes not in forms:
            if value.data is not None:
                self._register(value, axes, self._stored(value, value.data.transpose(axes)))
            else:
                self._register(value, axes, self._transposed(value, forms, axes))
        return forms[axes]

    def _transposed(self, value: Value, forms: dict[Axes, str], axes: Axes) -> str:
        held, source = next(iter(forms.items()))
        perm = arrange.permutation(held, axes)
        shape = arrange.arranged(value.shape, held)
        if not arrange.moves(shape, perm):
            return self.reshaped(source, shape, arrange.arranged(shape, perm), value.name)
        return self.node("Transpose", [source], value.name, perm=list(perm))

    def unmoved(self, value: Value) -> str:
        """The name of a form whose numbers lie in the order they have in the graph, for those who reshape anyway."""
        for axes, name in self._forms.get(id(value), {}).items():
            perm = arrange.permutation(axes, arrange.plain(value.spec.rank))
            if not arrange.moves(arrange.arranged(value.shape, axes), perm):
                return name
        return self.name(value)

    def together(self, node: Node) -> tuple[list[str], Axes]:
        """The inputs of a broadcasting node in one arrangement, and which one it is."""
        rank = node.output.spec.rank
        values = [v for v in node.inputs if v is not None]
        straight = arrange.plain(rank)
        held = [self.held(v) for v in values if v.spec.rank == rank and v.data is None]
        axes = next((h for h in held if h != straight), straight)
        return [self._operand(v, rank, axes) for v in values], axes

    def _operand(self, value: Value, rank: int, axes: Axes) -> str:
        lead = rank - value.spec.rank
        if not lead or axes == arrange.plain(rank) or not value.spec.rank:
            return self.name(value, axes if not lead else None)
        key = (id(value), lead, axes)
        if key not in self._operands:
            shape = (1,) * lead + value.shape
            self._keep.append(value)
            if value.data is not None:
                name = self._stored(value, value.data.reshape(shape).transpose(axes))
            elif arrange.moves(shape, axes):
                name = self.reshaped(self.name(value), value.shape, shape, value.name)
                name = self.node("Transpose", [name], value.name, perm=list(axes))
            else:
                name = self.reshaped(self.name(value), value.shape, arrange.arranged(shape, axes), value.name)
            self._operands[key] = name
        return self._operands[key]

    # what exporters write --------------------------------------------------------------------------------------------

    def node(self, op: str, inputs: Sequence[str], hint: str, **attrs: Any) -> str:
        """Add a node with one output, called after `hint`; returns the name of the output."""
        name = self.unique(hint)
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attrs))
        return name

    def bind(self, value: Value, axes: Axes | None, name: str) -> None:
        """Say that `name` holds a value in an arrangement (default: the order it has in the graph)."""
        self._register(value, arrange.plain(value.spec.rank) if axes is None else axes, name)

    def same(self, node: Node, op: str, **attrs: Any) -> None:
        """Write an elementwise node of one input, in the arrangement the input has."""
        x = node.inputs[0]
        assert x is not None
        axes = self.held(x)
        self.bind(node.output, axes, self.node(op, [self.name(x, axes)], node.name, **attrs))

    def alias(self, value: Value, source: Value, perm: Axes) -> None:
        """`value` is `source` transposed by `perm`: the same data, spoken of in another order."""
        if not self._forms.get(id(source)):
            self.name(source)
        for axes, name in self._forms[id(source)].items():
            self._register(value, arrange.renamed(axes, perm), name)

    def reshaped(self, name: str, shape: Sequence[Any], wanted: Sequence[Any], hint: str) -> str:
        """Add a Reshape from one shape to another; one size may be open."""
        sizes: list[Any] = list(wanted)
        names = [i for i, s in enumerate(sizes) if isinstance(s, str)]
        for i in names[1:]:  # a size that stays in its place is taken over
            if i < len(shape) and shape[i] == sizes[i]:
                sizes[i] = 0
        if sum(isinstance(s, str) for s in sizes) > 1:
            self.refuse(f"it reshapes {tuple(shape)} to {tuple(wanted)}: at most one size may be open")
        empty = any(isinstance(s, int) and s == 0 for s in wanted)
        if empty and len(names) > 1:
            self.refuse(f"it reshapes {tuple(shape)} to {tuple(wanted)}: empty, with open sizes")
        sizes = [-1 if isinstance(s, str) else s for s in sizes]
        attrs = {"allowzero": 1} if empty and self.opset >= 14 else {}
        return self.node("Reshape", [name, self.ints(sizes, "shape")], hint, **attrs)

    def activated(self, name: str, activation: tuple[Any, ...] | None) -> str:
        """Add the node of an activation that was fused into another one."""
        if activation is None:
            return name
        kind, *values = activation
        if kind == "relu":
            return self.node("Relu", [name], f"{name}_relu")
        if kind == "leaky_relu":
            return self.node("LeakyRelu", [name], f"{name}_leaky_relu", alpha=float(values[0]))
        if kind == "clip":
            return self.node("Clip", [name, *self.bounds(*values)], f"{name}_clip")
        self.refuse(f"its activation {activation!r} has no ONNX form")

    def bounds(self, low: float, high: float) -> list[str]:
        """Inputs min and max of a Clip, left out where they are infinite."""
        names = [self.number(b) if np.isfinite(b) else "" for b in (low, high)]
        return names if names[1] else names[:1] if names[0] else []

    def ints(self, values: Sequence[int], hint: str) -> str:
        """The name of a vector of integers."""
        key = tuple(int(v) for v in values)
        if key not in self._ints:
            self._ints[key] = self.unique(hint)
            self.initialisers.append(numpy_helper.from_array(np.array(key, np.int64), self._ints[key]))
        return self._ints[key]

    def number(self, value: float) -> str:
        """The name of one number."""
        value = float(value)
        if value not in self._numbers:
            self._numbers[value] = self.constant(np.array(value, np.float32), "number")
        return self._numbers[value]

    def constant(self, array: np.ndarray, hint: str) -> str:
        """The name of an array that is not a weight: a Constant node, which the reader does not take for one."""
        name = self.unique(hint)
        tensor = numpy_helper.from_array(np.array(array, order="C"), name)
        self.nodes.append(helper.make_node("Constant", [], [name], name=name, value=tensor))
        return name

    def _stored(self, value: Value, array: np.ndarray) -> str:
        if value.variable is None:
            return self.constant(array, value.name)
        name = self.unique(value.variable.name)
        self.initialisers.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name


def _called(node: Node) -> str:
    """What errors call a node."""
    return f"{node.op} node {node.name!r}" + (f" of layer {node.layer!r}" if node.layer else "")


def _info(name: str, value: Value, axes: Axes) -> Any:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(name, kind, list(arrange.arranged(value.shape, axes)))
