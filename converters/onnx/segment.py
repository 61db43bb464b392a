"""Nodes that are compiled together, as a step of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Node, Variable, get_op
from edgenet.graph.spec import DTYPES

from .errors import Refused
from .frame import Frame, reads
from .kinds import FLOAT, Kind, output_kinds
from .loops import is_loop, write_out
from .reading import Reading
from .registry import Importer, find_importer
from .steps import Arrays, Compiled
from .tensor import Tensor


class Rest(NamedTuple):
    """What is left to be done at a fork."""

    nodes: tuple[Any, ...]
    waiting: tuple[Any, ...]
    """those of them that are to be evaluated next"""
    known: Mapping[str, Tensor]
    """what does not depend on the contents of the feeds"""
    sources: Mapping[str, frozenset[str]]
    """for each array the feeds whose contents it depends on"""


class Segment:
    """Nodes that are compiled together: one walk over what is left takes all that can be taken."""

    def __init__(self, frame: Frame, rest: Rest, env: Arrays, shared: dict[Any, Variable]) -> None:
        self.frame, self.env, self._shared = frame, env, shared
        self.reading = Reading(frame)
        self.kinds: dict[str, Kind | None] = {}
        self.fed: dict[str, Tensor] = {}
        """arrays that became inputs of the graph"""
        self.taken: list[Any] = []
        self.refused: list[tuple[Any, Refused]] = []
        self._known = rest.known
        for proto in rest.nodes:
            names = reads(proto)
            if all(self._found(n) for n in names):
                try:
                    self._take(proto, names)
                    self._settle(names)
                except Refused as error:
                    self.refused.append((proto, error))
                    for name in proto.output:
                        self.reading.tensors.pop(name, None)

    def _found(self, name: str) -> bool:
        """Whether a name is there to be read; what is only known by its shape and dtype so far is declared."""
        tensors = self.reading.tensors
        if name in tensors:
            return tensors[name] is not None
        if (known := self._known.get(name)) is not None:
            assert known.array is not None
            tensors[name] = tensor = Tensor.known(self.reading.graph, name, known.array, known.weight)
            if name in self.frame.arrays:
                tensor.shared = self._shared
            self.kinds[name] = known.array.dtype
        elif name in self.env:
            array = self.env[name]
            tensors[name] = self._declared(name, array)
            self.kinds[name] = array.dtype
        return name in tensors

    def _declared(self, name: str, array: np.ndarray) -> Tensor:
        kind = str(array.dtype)
        as_float = kind in ("float16", "bfloat16", "bool")  # truths are 1.0 and 0.0 in the graph
        value = self.reading.graph.input(array.shape, "float32" if as_float else kind, name)
        tensor = self.fed[name] = Tensor.held(value, name=name)
        return tensor

    def _take(self, proto: Any, names: Sequence[str]) -> None:
        if is_loop(proto):
            self._write_out(proto)
            return
        domain, opset = self.frame.domain(proto)
        kinds = [self.kinds.get(n) for n in proto.input]
        made = output_kinds(proto, domain, opset, kinds)
        constant = all((t := self.reading.tensors[n]) is not None and t.array is not None for n in names)
        if not constant:
            for name, kind in [*zip(proto.input, kinds, strict=True), *zip(proto.output, made, strict=True)]:
                if kind is not None and kind.kind == "f" and kind.itemsize > FLOAT.itemsize:
                    raise Refused(f"it computes with {kind} ({name!r}): compiled code computes with float32", name)
            for name in names:
                if name in self.fed and self.fed[name].dtype not in DTYPES:
                    dtype = self.fed[name].dtype
                    raise Refused(f"it reads {dtype} ({name!r}): compiled code knows {', '.join(DTYPES)}", name)
            self._check_integers(proto, kinds, find_importer(proto.op_type, domain, opset))
        before = len(self.reading.graph.nodes)
        results = self.reading.take(proto)
        try:
            for tensor in results:
                if tensor.array is None and tensor.dtype != "float32":
                    tensor.plain()  # may have to move data, sooner or later
            _check_kernels(self.reading.graph.nodes[before:])
        except (TypeError, ValueError, NotImplementedError) as error:
            raise Refused(str(error)) from None
        for name, kind, tensor in zip(proto.output, made, results, strict=False):
            if tensor.array is None and kind is not None and kind.kind in "iu" and not _holds(kind, tensor.dtype):
                raise Refused(f"its result is {kind}, which compiled code would compute as {tensor.dtype}")
            self.kinds[name] = tensor.array.dtype if tensor.array is not None else kind or np.dtype(tensor.dtype)
        self.taken.append(proto)

    def _settle(self, names: Sequence[str]) -> None:
        """Hold the weights that a node has made variables of once, in the form that programs read."""
        for name in names:
            tensor = self.reading.tensors.get(name)
            if tensor is not None and tensor.shared is not None and (view := tensor.settle()) is not None:
                self.frame.arrays[name] = self._known[name].array = view

    def _write_out(self, proto: Any) -> None:
        """Take the iterations of a Loop: all of them or none."""
        before = len(self.taken)

        def take(node: Any) -> None:
            names = reads(node)
            if not all(self._found(n) for n in names):
                raise Refused("what it reads is not known")
            self._take(node, names)

        try:
            write_out(proto, self.frame, self.reading.contents, take)
        finally:
            del self.taken[before:]
        self.taken.append(proto)

    def _check_integers(self, proto: Any, kinds: Sequence[Kind | None], found: Importer | None) -> None:
        """Refuse arithmetic with integers that are held as float32."""
        if found is None or found.any_dtype:
            return
        for name, kind in zip(proto.input, kinds, strict=True):
            tensor = self.reading.tensors[name] if name else None
            held = tensor is not None and tensor.array is None and tensor.dtype == "float32"
            if held and kind is not None and kind.kind in "iu":
                raise Refused(f"it computes with {kind} ({name!r}), which is held as float32", name)

    def closed(self, rest: Rest, wanted: Sequence[str]) -> tuple[Compiled | None, Rest]:
        """The step that computes what others need of the nodes taken; None if nothing is left to compute."""
        waiting = tuple(p for p, _ in self.refused)
        done = {id(p) for p in self.taken}
        left = tuple(p for p in rest.nodes if id(p) not in done)
        needed = {n for p in left for n in reads(p)} | set(wanted)
        known, makes, graph = dict(rest.known), dict[str, Kind](), self.reading.graph
        for name in dict.fromkeys(n for p in self.taken for n in p.output if n in needed):
            tensor = self.reading.tensors[name]
            assert tensor is not None
            if tensor.array is not None:
                known[name] = tensor
            else:
                makes[name] = self.kinds[name] or np.dtype(tensor.dtype)
                graph.outputs.append(tensor.plain())
        graph.prune()
        read = {id(v) for node in graph.nodes for v in node.inputs} | {id(v) for v in graph.outputs}
        names = [n for n, v in zip(self.fed, graph.inputs, strict=True) if id(v) in read]
        graph.inputs = [v for v in graph.inputs if id(v) in read]
        came = union(rest.sources, names)
        after = Rest(left, waiting, known, {**rest.sources, **dict.fromkeys(makes, came)})
        return Compiled(self.reading, names, makes, self.taken) if makes else None, after


def _check_kernels(nodes: Sequence[Node]) -> None:
    """Raise what would only be found out when the nodes are compiled: that an op has kernels for float32 alone."""
    for node in nodes:
        op = get_op(node.op)
        if not op.view and any(v is not None and v.dtype != "float32" for v in [*node.inputs, *node.outputs]):
            op.lower(node)


def union(sources: Mapping[str, frozenset[str]], names: Iterable[str]) -> frozenset[str]:
    """The feeds whose contents any of these arrays depends on."""
    return frozenset[str]().union(*(sources.get(n, frozenset()) for n in names))


def _holds(kind: Kind, dtype: str) -> bool:
    """Whether a result of `kind` may be computed in `dtype`: integers of another width wrap around elsewhere."""
    return np.dtype(dtype).kind not in "iu" or np.dtype(dtype).itemsize <= kind.itemsize
