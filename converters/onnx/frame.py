"""What a model says before any shape is known: opsets, inputs, outputs, stored arrays, and its nodes in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import onnx.inliner

from . import fold as _fold
from .registry import NEWEST, OLDEST, find_importer, version_of

#: operators that hold graphs; `plan` runs them where reading cannot
BRANCHING = {"If", "Loop"}


class Frame:
    """A graph and its surroundings.  What is wrong with them is noted in `problems`, one sentence each.

    Args:
        graph: the graph; that of a branch reads names of the graph around it.
        opsets: version of the opset by domain.
        outside: names that are defined around the graph.
        stored: the graph whose initialisers count, if it is another one.
    """

    def __init__(
        self, graph: onnx.GraphProto, opsets: Mapping[str, int], outside: Iterable[str] = (),
        stored: onnx.GraphProto | None = None,
    ) -> None:  # fmt: skip
        self.problems: list[str] = []
        self.name: str = graph.name or "model"
        self.opsets = dict(opsets)
        self.arrays: dict[str, np.ndarray | None] = {}
        """the initialisers; None: one that cannot be read"""
        self._initialisers(stored or graph)
        self.inputs = graph_inputs(graph)
        self.outputs: list[Any] = list(graph.output)
        self.nodes: list[Any] = self._ordered(graph, {i.name for i in self.inputs} | set(self.arrays) | set(outside))
        self.used = {name for node in self.nodes for name in reads(node)} | {o.name for o in self.outputs}
        if not self.outputs:
            self.problems.append("it has no outputs")

    @staticmethod
    def of(model: onnx.ModelProto) -> Frame:
        """The frame of a model; its own functions are written out."""
        wrong = []
        if len(model.functions):
            try:
                model = onnx.inliner.inline_local_functions(model)
            except Exception as error:
                wrong.append(f"its functions cannot be written out: {error}")
        bounded = {o.domain: max(-1, min(o.version, 1 << 30)) for o in model.opset_import}  # onnx takes 32 bits
        opsets = {"" if domain == "ai.onnx" else domain: version for domain, version in bounded.items()}
        opset = opsets.get("", 0)
        if not OLDEST <= opset <= NEWEST and not _as_today(model.graph, opset):
            hint = "convert it with onnx.version_converter" if opset < OLDEST else "a newer onnx package may know it"
            wrong.append(f"opset {opset} is outside of {OLDEST} to {NEWEST}: {hint}")
        frame = Frame(_bare(model.graph), opsets, stored=model.graph)
        frame.problems[:0] = wrong
        return frame

    def _initialisers(self, graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            self.arrays[tensor.name] = None
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                self.problems.append(f"the weights {tensor.name!r} lie in another file: pass the path of the model")
                continue
            try:
                self.arrays[tensor.name] = np.asarray(onnx.numpy_helper.to_array(tensor))
            except Exception as error:
                self.problems.append(f"the initialiser {tensor.name!r} is damaged: {error}")
        self.problems += [
            f"the sparse initialiser {t.values.name!r} is not supported" for t in graph.sparse_initializer
        ]

    def _ordered(self, graph: onnx.GraphProto, given: set[str]) -> list[Any]:
        """The nodes that the outputs depend on, each after those it reads from."""
        makers: dict[str, int] = {}
        for i, node in enumerate(graph.node):
            for name in filter(None, node.output):
                if name in makers or name in given:
                    self.problems.append(f"{who(node)}: its output {name!r} has a second origin")
                makers.setdefault(name, i)
        order: list[int] = []
        state: dict[int, int] = {}  # 1: begun, 2: done
        for output in graph.output:
            if output.name not in makers and output.name not in given:
                self.problems.append(f"the output {output.name!r} is computed by no node")
            stack = [makers[output.name]] if output.name in makers else []
            while stack:
                i = stack[-1]
                if state.get(i, 0) == 0:
                    state[i] = 1
                    before = [makers[name] for name in reads(graph.node[i]) if name in makers]
                    for j in before:
                        if state.get(j) == 1:
                            self.problems.append(
                                f"{who(graph.node[i])}: it depends on itself, through {who(graph.node[j])}"
                            )
                    stack += [j for j in reversed(before) if state.get(j, 0) == 0]
                    continue
                stack.pop()
                if state[i] == 1:
                    state[i] = 2
                    order.append(i)
        nodes = [graph.node[i] for i in order]
        known = given | set(makers)
        for node in nodes:
            for name in reads(node):
                if name not in known:
                    self.problems.append(f"{who(node)}: its input {name!r} comes from nowhere")
                    known.add(name)
        return nodes

    def missing(self) -> list[str]:
        """The operators that nobody reads or evaluates, as sentences."""
        return [f"{who(node)}: {missing}" for node in self.nodes if (missing := self.unknown(node))]

    def unknown(self, node: Any) -> str:
        """What can be said against a node before shapes are known; empty if nothing."""
        domain, opset = self.domain(node)
        if find_importer(node.op_type, domain, opset) or _fold.can_fold(node.op_type, domain):
            return ""
        if node.op_type in BRANCHING and domain == "":
            inner = [Frame(g, self.opsets, reads(node)).missing() for g in subgraphs(node)]
            return "; ".join(m for missing in inner for m in missing) if inner else "it holds no graph"
        where = f" of the domain {domain!r}" if domain else ""
        return (
            f"the operator {node.op_type}{where} (opset {opset}) is not supported; export without it, or cut the "
            "model before it"
        )

    def domain(self, node: Any) -> tuple[str, int]:
        """Domain and opset of a node."""
        domain = "" if node.domain == "ai.onnx" else node.domain
        return domain, self.opsets.get(domain, 0)


def _bare(graph: onnx.GraphProto) -> onnx.GraphProto:
    """A copy without what is stored: a node keeps the whole message in memory that it is a part of."""
    bare = onnx.GraphProto(name=graph.name)
    bare.node.extend(graph.node)
    bare.input.extend(graph_inputs(graph))
    bare.output.extend(graph.output)
    return bare


def _as_today(graph: onnx.GraphProto, opset: int) -> bool:
    """Whether all operators of a graph of an old opset mean what they mean in the oldest one that can be read."""
    names = {node.op_type for node in graph.node if node.domain in ("", "ai.onnx")}
    versions = [(version_of(n, "", opset), version_of(n, "", OLDEST)) for n in names] if 0 < opset < OLDEST else []
    return bool(versions) and all(old is not None and old == new for old, new in versions)


def graph_inputs(graph: onnx.GraphProto) -> list[Any]:
    """The inputs a caller must give: those that are not initialisers too, as they may be in models of IR 3."""
    fixed = {t.name for t in graph.initializer}
    return [i for i in graph.input if i.name not in fixed]


def declared_shape(info: Any) -> list[Any] | None:
    """The shape that a model gives an input or output: numbers, names, None; or None where it gives none."""
    tensor = info.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    fixed = [d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None for d in tensor.shape.dim]
    return [d.dim_param or None if n is None else n for d, n in zip(tensor.shape.dim, fixed, strict=True)]


def subgraphs(node: Any) -> Iterator[Any]:
    """The graphs that a node holds."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def reads(node: Any) -> list[str]:
    """The names that a node reads, its graphs included, each once."""
    names = [name for name in node.input if name]
    for graph in subgraphs(node):
        own = {i.name for i in graph.input} | {t.name for t in graph.initializer}
        own.update(name for inner in graph.node for name in inner.output)
        names += [name for inner in graph.node for name in reads(inner) if name not in own]
        names += [o.name for o in graph.output if o.name not in own]
    return list(dict.fromkeys(names))


def who(node: Any) -> str:
    """How messages call a node."""
    name = node.name or next((f"→ {o}" for o in node.output if o), "?")
    return f"{node.op_type} node {name!r}"
