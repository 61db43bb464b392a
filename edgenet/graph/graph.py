"""Values, nodes and the graph that orders them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .arithmetic import Arithmetic
from .layout import Layout
from .spec import Spec
from .variable import Variable


class Value(Arithmetic):
    """One array of a graph: an input, a constant, a variable or the output of a node.

    Arithmetic with other values, arrays and numbers adds nodes to the graph.
    """

    def __init__(self, graph: Graph, spec: Spec, name: str, node: Node | None = None) -> None:
        self.graph = graph
        self.spec = spec
        self.name = name
        self.node = node
        self.array: np.ndarray | None = None
        """data of a constant"""
        self.variable: Variable | None = None
        self.derived = False
        """whether it is computed from constants and variables alone"""
        self._layout: Layout | None = None

    @property
    def layout(self) -> Layout:
        """Where its numbers lie; dense, unless the compiler says otherwise."""
        return self._layout or Layout.dense(self.spec.sizes)

    @layout.setter
    def layout(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def dense(self) -> bool:
        """Whether its numbers lie one behind the other, in memory of its own or of a view's source."""
        return self._layout is None

    @property
    def owner(self) -> Value | None:
        """The value whose memory it lies in by its layout."""
        return None if self._layout is None else self._layout.inside

    @property
    def shape(self) -> tuple[Any, ...]:
        """Sizes; a size that is not known yet is a name."""
        return self.spec.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.spec.rank

    @property
    def dtype(self) -> str:
        """Name of the dtype."""
        return self.spec.dtype

    @property
    def fixed(self) -> bool:
        """Whether no run of an inference program changes it: a constant, a variable, or computed from these alone."""
        return self.array is not None or self.variable is not None or self.derived

    @property
    def data(self) -> np.ndarray | None:
        """The array behind a constant or a variable, else None."""
        return self.variable.array if self.variable is not None else self.array

    def __repr__(self) -> str:
        return f"%{self.name}: {self.spec}"


class Node:
    """One op applied to values."""

    def __init__(self, op: str, inputs: Sequence[Value | None], attrs: dict[str, Any], name: str) -> None:
        self.op = op
        self.inputs = list(inputs)
        self.attrs = attrs
        self.name = name
        self.layer: str | None = None
        """name of the layer that emitted the node, by which errors call it"""
        self.outputs: list[Value] = []

    @property
    def output(self) -> Value:
        """The first output."""
        return self.outputs[0]

    def __repr__(self) -> str:
        outs = ", ".join(map(repr, self.outputs))
        ins = ", ".join("-" if v is None else f"%{v.name}" for v in self.inputs)
        attrs = "".join(f", {k}={v}" for k, v in self.attrs.items())
        return f"{outs} = {self.op}({ins}{attrs})"


class Graph:
    """A static, ordered list of nodes; each reads only what stands before it."""

    def __init__(self, name: str = "graph") -> None:
        self.name = name
        self.training = False
        """whether variables change from run to run"""
        self.step: Variable | None = None
        """counter (int64, one element) of the training step, which random ops take their numbers from"""
        self.layer: str | None = None
        """name of the layer that is emitting nodes"""
        self.penalties: list[Value] | None = None
        """what regularizers of results add to the loss; None in a graph that has none"""
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.nodes: list[Node] = []
        self._names: dict[str, int] = {}
        self._variables: dict[int, Value] = {}
        self._where: int | None = None

    def __str__(self) -> str:
        lines = [f"{self.name}({', '.join(map(repr, self.inputs))})"]
        lines += [f"  {n}" for n in self.nodes]
        return "\n".join([*lines, f"  return {', '.join('%' + v.name for v in self.outputs)}"])

    def unique(self, base: str) -> str:
        """A name that no value or node of the graph has yet."""
        count = self._names.get(base)
        self._names[base] = 1 if count is None else count + 1
        return base if count is None else self.unique(f"{base}_{count}")

    def input(self, shape: Sequence[int | str], dtype: str = "float32", name: str = "input") -> Value:
        """Add an input."""
        value = Value(self, Spec.of(shape, dtype), self.unique(name))
        self.inputs.append(value)
        return value

    def constant(self, array: Any, name: str = "constant") -> Value:
        """Add a constant; floating point data becomes float32."""
        array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        if array.dtype.kind == "f":
            array = array.astype(np.float32, copy=False)
        value = Value(self, Spec.of(array.shape, str(array.dtype)), self.unique(name))
        value.array = array
        return value

    def variable(self, variable: Variable) -> Value:
        """The value of a variable; the same for the same variable."""
        value = self._variables.get(id(variable))
        if value is None:
            value = Value(self, variable.spec, self.unique(variable.name))
            value.variable = variable
            self._variables[id(variable)] = value
        return value

    @property
    def variables(self) -> list[Variable]:
        """The variables that the graph refers to, in the order of their first use."""
        return [v.variable for v in self._variables.values() if v.variable is not None]

    def add(self, op: str, inputs: Sequence[Value | None], specs: Sequence[Spec], attrs: dict[str, Any]) -> Node:
        """Append a node (or insert it where `at` says) whose outputs have the given specs."""
        from .op import get_op

        name = self.unique(op)
        node = Node(op, inputs, attrs, name)
        node.layer = self.layer
        node.outputs = [
            Value(self, s, name if i == 0 else self.unique(f"{name}_{i}"), node) for i, s in enumerate(specs)
        ]
        rule = get_op(op)
        derived = not rule.effect and not rule.random and all(v is None or v.fixed for v in inputs)
        for value in node.outputs:
            value.derived = derived
        if self._where is None:
            self.nodes.append(node)
        else:
            self.nodes.insert(self._where, node)
            self._where += 1
        return node

    @contextlib.contextmanager
    def at(self, node: Node) -> Iterator[None]:
        """Inside a ``with`` statement: new nodes are inserted before `node`."""
        before, self._where = self._where, self.nodes.index(node)
        try:
            yield
        finally:
            self._where = before

    def users(self, value: Value) -> list[Node]:
        """The nodes that read a value."""
        return [n for n in self.nodes if any(v is value for v in n.inputs)]

    def replace(self, old: Value, new: Value) -> None:
        """Let everything that reads `old` read `new`."""
        for node in self.nodes:
            node.inputs = [new if v is old else v for v in node.inputs]
        self.outputs = [new if v is old else v for v in self.outputs]

    def prune(self) -> None:
        """Remove the nodes whose results nobody needs."""
        from .op import get_op

        needed = {id(v) for v in self.outputs}
        kept = []
        for node in reversed(self.nodes):
            if get_op(node.op).effect or any(id(v) in needed for v in node.outputs):
                needed.update(id(v) for v in node.inputs)
                kept.append(node)
        self.nodes = kept[::-1]
        self._variables = {k: v for k, v in self._variables.items() if id(v) in needed}
