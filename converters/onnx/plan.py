"""How a model is run: a chain of steps over arrays by ONNX name, made while it runs for the first time.

Compiled code computes in float32, on shapes that are known when it is compiled.  What a model asks for besides (other
dtypes, indices, sizes that are computed from data) NumPy evaluates node by node, with the evaluators that reading uses
on constants.  So a plan alternates: take all nodes that can be taken (`Reading.take`) into one graph, compile and run
it; evaluate the nodes that stand next; go on with the arrays these made, whose shapes are now known::

    feeds ─ Compiled ─ Evaluated ─ Evaluated ─┬─ Compiled ─ …        for one set of shapes
                                              └─ Compiled ─ …        for another one

Every step but the first hangs on a `Fork`, which knows by shapes and dtypes how to go on; the first forks are kept by
the shapes of the feeds.  All of them are bounded, least recently used first out.  Where data leads to ever new shapes,
compiling stops to pay: after `PATIENCE` new ways what can be evaluated is evaluated.

A small feed whose contents an importer asks for (a shape to reshape to, axes to reduce) is *pinned*: plans are made for
its contents, as for shapes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Variable
from edgenet.kernels.lock import Lock

from . import fold as _fold
from .errors import Asked, Refused, UnsupportedModelError
from .frame import BRANCHING, Frame, reads, who
from .loops import Looped, is_loop
from .reading import Reading
from .segment import Rest, Segment, union
from .steps import Arrays, Chosen, Compiled, Evaluated, Step
from .tensor import Tensor

#: ways to go on that a plan keeps at its start and at each later fork
STARTS = BRANCHES = 4
#: new ways after which a plan no longer compiles for shapes, or pins contents, that keep changing
PATIENCE = 8
#: elements of an array of integers, or of floating point numbers, that may say how to compute
SMALL_INTEGERS, SMALL_FLOATS = 64, 16
#: operators that are worth compiling for a single run
HEAVY = {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "QLinearConv", "ConvInteger", "MatMulInteger"}

Watch = Callable[[Step, Arrays], Arrays]


class _Pin(Exception):
    """Raised while planning: the contents of these feeds must be known."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names


class _Tree:
    """What the forks of one start share."""

    def __init__(self, small: frozenset[str], pin: bool) -> None:
        self.small, self.pin = small, pin
        self.added = 0


class Way(NamedTuple):
    """How a plan goes on."""

    step: Step | None
    """None: there is nothing left to do"""
    given: Arrays
    """what the step reads that never changes"""
    dropped: list[str]
    """arrays that nobody needs after it"""
    fork: Fork
    """where it leads to"""


class Fork:
    """A place in a plan: the steps that may follow, by shapes and dtypes of what was made last."""

    def __init__(self, tree: _Tree, rest: Rest, lasting: bool = True) -> None:
        self.tree, self.rest, self.lasting = tree, rest, lasting
        self.ways: OrderedDict[Any, Way] = OrderedDict()


class Plan:
    """How one graph is run.

    Args:
        frame: the graph.
        known: arrays around the graph whose contents never change.
    """

    def __init__(self, frame: Frame, known: Mapping[str, Tensor] | None = None) -> None:
        self.frame = frame
        self._outer = dict(known or {})
        self._starts: OrderedDict[Any, Fork] = OrderedDict()
        self._pinned: frozenset[str] = frozenset()
        self._pinning = True
        self._pins_made = 0
        self._shared: dict[Any, Variable] = {}
        """weights in the forms that programs use"""
        self._lock = Lock()
        self._wanted = [o.name for o in frame.outputs]

    def run(self, feeds: Mapping[str, np.ndarray], watch: Watch | None = None) -> list[np.ndarray]:
        """The outputs for arrays by name.

        Args:
            feeds: one array for each input.
            watch: is called on each step and the arrays by name, and returns what the step makes of them.

        Raises:
            UnsupportedModelError: if a node can be neither compiled nor evaluated.
            EvaluationError: if a node cannot be computed on the arrays it gets.
        """
        while True:
            try:
                return self._run(feeds, watch)
            except _Pin as pin:
                with self._lock:
                    self._pinned |= pin.names

    def _run(self, feeds: Mapping[str, np.ndarray], watch: Watch | None) -> list[np.ndarray]:
        fork = self._start(feeds)
        made, env = feeds, dict(feeds)
        fresh: set[str] = set()
        while fork.rest.nodes:
            way = fork.ways.get(_signature(made))
            if way is None or len(fork.ways) > 1:
                with self._lock:
                    way = self._way(fork, made, env)
            fork, step = way.fork, way.step
            if step is None:
                break
            arrays = {**env, **way.given} if way.given else env
            try:
                made = step.run(arrays) if watch is None else watch(step, arrays)
            except Refused as error:
                who_failed = f"{who(step.proto)}: " if isinstance(step, Evaluated | Chosen | Looped) else ""
                self._fail([f"{who_failed}{error}"])
            if isinstance(step, Compiled):
                fresh.update(made)
            env.update(made)
            for name in way.dropped:
                env.pop(name, None)
        known = fork.rest.known
        return [env[n] if n in fresh else np.array(known[n].array if n in known else env[n]) for n in self._wanted]

    def _fail(self, problems: Iterable[str]) -> Any:
        raise UnsupportedModelError(f"the ONNX model {self.frame.name!r} cannot be run", list(dict.fromkeys(problems)))

    def whole(self, feeds: Mapping[str, np.ndarray]) -> Compiled | None:
        """The program that a run on feeds like these consists of, if it takes all of them and gives what is wanted."""
        ways = list(self._start(feeds).ways.values())
        if len(ways) != 1 or ways[0].fork.rest.nodes:
            return None
        step = ways[0].step
        if not isinstance(step, Compiled) or set(step.reads) != set(feeds) or list(step.makes) != self._wanted:
            return None
        return step if [y.dtype for y in step.program.outputs] == list(step.makes.values()) else None

    # forks -----------------------------------------------------------------------------------------------------------

    def _start(self, feeds: Mapping[str, np.ndarray]) -> Fork:
        """Where runs on feeds like these begin."""
        pinned = self._pinned
        key = pinned, _signature(feeds), tuple(feeds[n].tobytes() for n in sorted(pinned))
        if len(self._starts) == 1 and (fork := self._starts.get(key)) is not None:
            return fork
        with self._lock:
            fork = self._starts.pop(key, None)
            if fork is None:
                if pinned and self._pinning:
                    self._pins_made += 1
                    if self._pins_made > PATIENCE:  # these contents change too often to compile for each
                        self._pinning, self._pinned = False, frozenset()
                        pinned, key = frozenset(), (frozenset(), _signature(feeds), ())
                fork = self._begin(feeds, pinned)
            self._starts[key] = fork
            while len(self._starts) > STARTS:
                self._starts.popitem(last=False)
            return fork

    def _begin(self, feeds: Mapping[str, np.ndarray], pinned: frozenset[str]) -> Fork:
        reading = Reading(self.frame)
        reading.initialisers()
        known = {n: t for n, t in reading.tensors.items() if t is not None}
        known.update({n: t for n, t in self._outer.items() if n not in known})
        known.update({n: Tensor.known(reading.graph, n, feeds[n]) for n in pinned})
        small = frozenset(n for n, a in feeds.items() if a.size <= _limit(a) and a.ndim <= 1)
        sources = {n: frozenset([n]) for n in feeds if n not in pinned}
        return Fork(_Tree(small, self._pinning), Rest(tuple(self.frame.nodes), (), known, sources))

    def _way(self, fork: Fork, made: Mapping[str, np.ndarray], env: Arrays) -> Way:
        """How to go on at a fork."""
        key = _signature(made)
        way = fork.ways.pop(key, None)
        if way is None:
            tired = fork.tree.added > PATIENCE and (bool(fork.ways) or not fork.lasting)
            fork.tree.added += bool(fork.ways)
            way = self._planned(fork, env, tired)
            if tired:
                return way
        fork.ways[key] = way
        while len(fork.ways) > BRANCHES:
            fork.ways.popitem(last=False)
        return way

    # planning --------------------------------------------------------------------------------------------------------

    def _planned(self, fork: Fork, env: Arrays, tired: bool) -> Way:
        tree, rest = fork.tree, fork.rest
        if rest.nodes and not rest.waiting:
            ready = [n for n in rest.nodes if self._ready(n, rest, env) and self._evaluable(n)]
            if tired and ready and not any(n.op_type in HEAVY for n in rest.nodes):
                rest = rest._replace(waiting=tuple(ready))
            else:
                compiled, rest = self._compiled(rest, env, tree)
                if compiled is not None:
                    return Way(compiled, {}, self._unneeded(rest, env), Fork(tree, rest, not tired))
        if not rest.waiting:
            return Way(None, {}, [], Fork(tree, rest))
        proto, *waiting = rest.waiting
        evaluated = self._is_fold(proto)
        step: Step
        if evaluated:
            step = Evaluated(proto, self.frame)
        else:
            step = (Looped if is_loop(proto) else Chosen)(proto, self.frame, _nesting(proto, rest))
        given = {n: a for n in reads(proto) if n in rest.known and (a := rest.known[n].array) is not None}
        came = union(rest.sources, reads(proto))
        sources = {**rest.sources, **dict.fromkeys(filter(None, proto.output), came)}
        rest = Rest(tuple(n for n in rest.nodes if n is not proto), tuple(waiting), rest.known, sources)
        return Way(step, given, self._unneeded(rest, env), Fork(tree, rest, not tired))

    def _unneeded(self, rest: Rest, env: Arrays) -> list[str]:
        needed = {name for node in rest.nodes for name in reads(node)} | set(self._wanted)
        return [name for name in env if name not in needed]

    def _compiled(self, rest: Rest, env: Arrays, tree: _Tree) -> tuple[Step | None, Rest]:
        """The step that computes all that can be compiled now (None if that is nothing), and what is left after it."""
        segment, stuck = Segment(self.frame, rest, env, self._shared), []
        for proto, error in segment.refused:
            sources = union(rest.sources, [error.name] if error.name else reads(proto))
            evaluable = self._evaluable(proto)
            if sources and sources <= tree.small and (not evaluable or (tree.pin and isinstance(error, Asked))):
                raise _Pin(sources)
            if not evaluable:
                stuck.append(f"{who(proto)}: {error}")
        if stuck:
            self._fail(stuck)
        step, rest = segment.closed(rest, self._wanted)
        if rest.nodes and not rest.waiting:
            self._fail(f"{who(n)}: its inputs are never computed" for n in rest.nodes)
        return step, rest

    def _ready(self, proto: Any, rest: Rest, env: Arrays) -> bool:
        return all(n in env or n in rest.known for n in reads(proto))

    def _is_fold(self, proto: Any) -> bool:
        return _fold.can_fold(proto.op_type, self.frame.domain(proto)[0])

    def _evaluable(self, proto: Any) -> bool:
        return self._is_fold(proto) or (proto.op_type in BRANCHING and self.frame.domain(proto)[0] == "")

    # what there is ---------------------------------------------------------------------------------------------------

    def steps(self) -> list[Step]:
        """All steps that are kept, those of branches included."""
        found: list[Step] = []
        forks = list(self._starts.values())
        while forks:
            fork = forks.pop()
            for way in list(fork.ways.values()):
                if way.step is not None:
                    found.append(way.step)
                    forks.append(way.fork)
                if isinstance(way.step, Chosen | Looped):
                    found += [s for plan in way.step.plans.values() for s in plan.steps()]
        return found


def _nesting(proto: Any, rest: Rest) -> Callable[[Frame], Plan]:
    """What makes the plan of a branch of an If, or of the body of a Loop."""
    return lambda frame: _Nested(frame, proto, rest.known)


class _Nested(Plan):
    """The plan of a branch or body: it reads arrays of the graph around it."""

    def __init__(self, frame: Frame, proto: Any, known: Mapping[str, Tensor]) -> None:
        problems = [*frame.problems, *frame.missing()]
        if problems:
            raise Refused("; ".join(problems))
        captured = reads(proto)
        super().__init__(frame, {n: known[n] for n in captured if n in known})
        own = [i.name for i in frame.inputs]
        self._captured = [*own, *(n for n in captured if n not in known and n not in own and n in frame.used)]

    def run(self, feeds: Mapping[str, np.ndarray], watch: Watch | None = None) -> list[np.ndarray]:
        """The outputs, given the arrays around it, and its own inputs."""
        return super().run({n: feeds[n] for n in self._captured}, watch)


def _limit(array: np.ndarray) -> int:
    return SMALL_FLOATS if array.dtype.kind == "f" else SMALL_INTEGERS


def _signature(arrays: Mapping[str, np.ndarray]) -> Any:
    return tuple([(a.shape, a.dtype) for a in arrays.values()])
