"""Loops: written out, the nodes of the body once for each iteration, or run one iteration after the other.

Loops over steps, as exporters make them of recurrent layers, run as often as shapes say.  Written out they are nodes
like all others: they compile to one program, and can be trained.  How often other loops run depends on data; for those
a plan holds the body as a plan of its own (`Looped`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .errors import Asked, EvaluationError, Refused
from .frame import Frame, declared_shape, reads, subgraphs, who

#: nodes that the iterations of a loop may be written out to
LARGEST = 8192
#: iterations after which a loop without end is given up
LONGEST = 1 << 20

Contents = Callable[[str], np.ndarray | None]
Take = Callable[[Any], object]


def is_loop(proto: Any) -> bool:
    """Whether a node is a Loop of onnx itself."""
    return proto.op_type == "Loop" and proto.domain in ("", "ai.onnx")


def body_of(proto: Any, opsets: Mapping[str, int]) -> Frame:
    """The body of a Loop."""
    graph = next((a.g for a in proto.attribute if a.name == "body" and a.HasField("g")), None)
    if graph is None:
        raise Refused("its body is missing")
    frame = Frame(graph, opsets, reads(proto))
    states = len(proto.input) - 2
    if len(frame.inputs) != 2 + states or len(frame.outputs) < 1 + states:
        raise Refused(
            f"its body has {len(frame.inputs)} inputs and {len(frame.outputs)} outputs, but the loop carries {states}"
        )
    if frame.problems:
        raise Refused("; ".join(frame.problems))
    return frame


def write_out(proto: Any, frame: Frame, contents: Contents, take: Take) -> None:
    """Hand the nodes that a Loop stands for to `take`, one after the other.

    Args:
        proto: the loop.
        frame: the graph that it is a node of.
        contents: the array of a name whose contents are known, else None.
        take: takes a node; may raise `Refused`.

    Raises:
        Refused: if contents say how often the loop runs which nobody knows, or it runs too often.
    """
    body = body_of(proto, frame.opsets)
    limit = _number(proto, 0, "how often it runs", contents)
    going = _number(proto, 1, "whether it runs", contents)
    going, states, iteration = going is None or bool(going), list(proto.input[2:]), 0
    scanned: list[list[str]] = [[] for _ in body.outputs[1 + len(states) :]]
    if limit is not None and limit < LARGEST and limit * len(body.nodes) > LARGEST:
        raise Refused(f"its {limit} iterations are too many to write out")
    while going and (limit is None or iteration < limit):
        if iteration * max(len(body.nodes), 1) > LARGEST:
            raise Refused(f"it has more than {iteration} iterations, too many to write out")
        made = _written(proto, body, iteration, states, _taking(frame, take))
        found = contents(made[0])
        if found is None or found.size != 1:
            raise Refused("its condition depends on what it computes")
        going, states, iteration = bool(found.reshape(-1)[0]), made[1 : 1 + len(states)], iteration + 1
        for names, name in zip(scanned, made[1 + len(states) :], strict=True):
            names.append(name)
    for node in _outputs(proto, frame.opsets.get("", 0), states, scanned):
        _taking(frame, take)(node)


def _taking(frame: Frame, take: Take) -> Take:
    """`take`, for nodes that the frame does not know yet; says which of them is refused."""

    def taken(node: Any) -> None:
        frame.used.update(reads(node))
        try:
            take(node)
        except Refused as error:
            raise Refused(f"{who(node)}: {error}") from None

    return taken


def _number(proto: Any, i: int, what: str, contents: Contents) -> int | None:
    """A number that the loop is given; None where it is not."""
    name = proto.input[i] if i < len(proto.input) else ""
    if not name:
        return None
    found = contents(name)
    if found is None:
        raise Asked(f"{what} must be a constant, but {name!r} is computed from the inputs", name)
    if found.size != 1:
        raise Refused(f"{what} should be one number, got shape {list(found.shape)}")
    return int(found.reshape(-1)[0])


def _written(proto: Any, body: Frame, iteration: int, states: list[str], take: Take) -> list[str]:
    """One iteration: takes its nodes, and returns the names that the outputs of the body have there."""
    prefix = f"{_label(proto)}[{iteration}]."
    fixed = {body.inputs[0].name: np.array(iteration, np.int64), body.inputs[1].name: np.array(True)}
    fixed.update((n, a) for n, a in body.arrays.items() if a is not None)
    names = dict(zip((i.name for i in body.inputs[2:]), states, strict=True))
    names.update((n, prefix + n) for n in fixed)
    names.update((n, prefix + n) for node in body.nodes for n in node.output if n)
    wanted = body.used
    for name, array in fixed.items():
        if name in wanted:
            value = numpy_helper.from_array(array)
            take(helper.make_node("Constant", [], [names[name]], name=names[name], value=value))
    for node in body.nodes:
        take(_renamed(node, names, prefix))
    return [names.get(o.name, o.name) for o in body.outputs]


def _renamed(node: Any, names: Mapping[str, str], prefix: str) -> onnx.NodeProto:
    """A copy of a node that speaks of other names."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = prefix + node.name if node.name else ""
    copy.input[:] = [names.get(n, n) for n in node.input]
    copy.output[:] = [names.get(n, n) for n in node.output]
    for graph in subgraphs(copy):
        _rename(graph, names)
    return copy


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Let a graph within speak of other names of the graph around it."""
    own = {i.name for i in graph.input} | {t.name for t in graph.initializer}
    own.update(n for node in graph.node for n in node.output)
    outer = {n: new for n, new in names.items() if n not in own}
    for node in graph.node:
        node.input[:] = [outer.get(n, n) for n in node.input]
        for inner in subgraphs(node):
            _rename(inner, outer)
    for output in graph.output:
        output.name = outer.get(output.name, output.name)


def _outputs(proto: Any, opset: int, states: list[str], scanned: list[list[str]]) -> Iterator[Any]:
    """The nodes that make the outputs of a loop of the last states and of what was noted in each iteration."""
    label = _label(proto)
    for name, state in zip(proto.output, states, strict=False):
        if name:
            yield helper.make_node("Identity", [state], [name])
    axis: list[str] = []
    for name, parts in zip(proto.output[len(states) :], scanned, strict=False):
        if not name:
            continue
        if not parts:
            raise Refused("it has no iterations, so that the shape of its results is unknown")
        if opset >= 13 and not axis:
            axis = [f"{label}.axis"]
            yield helper.make_node("Constant", [], axis, value=numpy_helper.from_array(np.array([0], np.int64)))
        attrs: dict[str, Any] = {} if axis else {"axes": [0]}
        rows = [f"{name}[{i}]" for i in range(len(parts))]
        for row, part in zip(rows, parts, strict=True):
            yield helper.make_node("Unsqueeze", [part, *axis], [row], **attrs)
        yield helper.make_node("Concat", rows, [name], axis=0)


def _label(proto: Any) -> str:
    return str(proto.name or next(filter(None, proto.output), "loop"))


class Looped:
    """A Loop as a step of a plan: its body is a plan of its own, run as often as data say."""

    def __init__(self, proto: Any, frame: Frame, make: Callable[[Frame], Any]) -> None:
        self.proto, self.frame = proto, frame
        self._make = make
        self.plans: dict[bool, Any] = {}

    def run(self, env: Mapping[str, np.ndarray], watch: Any = None) -> dict[str, np.ndarray]:
        """Run the loop; `watch`: see `Plan.run`.

        Raises:
            Refused: if its body is not what a loop needs.
            EvaluationError: if what says how often it runs is no number, or it never ends.
        """
        if not self.plans:
            self.plans[True] = self._make(body_of(self.proto, self.frame.opsets))
        plan = self.plans[True]
        body = plan.frame
        given = [self._number(env, i) for i in (0, 1)]
        states = [env[n] for n in self.proto.input[2:]]
        names = [i.name for i in body.inputs]
        scanned: list[list[np.ndarray]] = [[] for _ in body.outputs[1 + len(states) :]]
        going, iteration = given[1] is None or bool(given[1]), 0
        while going and (given[0] is None or iteration < given[0]):
            if iteration == LONGEST:
                raise EvaluationError(f"{who(self.proto)}: it does not end after {LONGEST} iterations")
            now = np.full([1] * len(declared_shape(body.inputs[0]) or ()), iteration, np.int64)
            fed = dict(zip(names, [now, np.array(True), *states], strict=True))
            condition, *made = plan.run({**env, **fed}, watch)
            going, states, iteration = bool(condition.reshape(-1)[0]), made[: len(states)], iteration + 1
            for rows, row in zip(scanned, made[len(states) :], strict=True):
                rows.append(row)
        noted = [
            np.stack(rows) if rows else _nothing(o)
            for o, rows in zip(body.outputs[1 + len(states) :], scanned, strict=True)
        ]
        return {n: a for n, a in zip(self.proto.output, [*states, *noted], strict=False) if n}

    def _number(self, env: Mapping[str, np.ndarray], i: int) -> Any:
        name = self.proto.input[i] if i < len(self.proto.input) else ""
        if not name:
            return None
        if env[name].size != 1:
            raise EvaluationError(f"{who(self.proto)}: {name!r} should be one number, got {list(env[name].shape)}")
        return env[name].reshape(-1)[0]


def _nothing(info: Any) -> np.ndarray:
    """What an output of a body leads to without iterations."""
    sizes = [d if isinstance(d, int) else 0 for d in declared_shape(info) or []]
    kind = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type or onnx.TensorProto.FLOAT)
    return np.zeros((0, *sizes), kind)
