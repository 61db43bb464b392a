"""ONNX nodes → Graph, one at a time.

Each node goes to `fold` (everything known) or to its importer (`registry`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgenet.graph import Graph, Node
from edgenet.ops.quantize import LIMITS

from . import fold as _fold
from . import integers as _integers
from . import ops as _ops  # noqa: F401  registers the converters
from .errors import Open, Refused
from .frame import Frame, reads, who
from .loops import is_loop, write_out
from .node import OnnxNode
from .registry import find_importer
from .tensor import Tensor

#: elements of a tensor; one that is larger is surely a size that lies
LARGEST = 1 << 30
#: operators whose result is still the weight that went in, seen otherwise
KEEPS = {"Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Cast", "DequantizeLinear"}
#: operators whose results are numbers of their inputs: those of eight bits pass through floats unharmed
PICKS = {
    "Clip", "Concat", "DepthToSpace", "Expand", "GlobalMaxPool", "Max", "MaxPool", "Min", "Pad", "ReduceMax",
    "ReduceMin", "Slice", "SpaceToDepth", "Split", "Tile",
}  # fmt: skip


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
