"""Where a session spends time and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import get_op

from .loops import Looped
from .plan import Plan
from .steps import Arrays, Chosen, Compiled, Step

#: name, op, seconds, operations (None where NumPy computes), bytes
Timed = tuple[str, str, float, int | None, int]


class Row(NamedTuple):
    """One node of a profile."""

    node: str
    """name of the ONNX node"""
    op: str
    """of edgenet, or for a node that NumPy evaluates of ONNX"""
    seconds: float
    gflops: float | None
    """10⁹ floating point operations a second; None where NumPy computes"""
    bytes: int
    """read and written"""
    share: float
    """of the time of all nodes"""


class Profile(list[Row]):
    """The nodes of a run in their order."""

    @property
    def seconds(self) -> float:
        """Time of all nodes."""
        return sum(row.seconds for row in self)

    def __str__(self) -> str:
        rows = [
            (
                r.node, r.op, f"{r.seconds * 1e3:.3f}", "numpy" if r.gflops is None else f"{r.gflops:.1f}",
                f"{r.bytes / 1024:.1f}", f"{100 * r.share:.1f}",
            )
            for r in self
        ]  # fmt: skip
        total = ("total", "", f"{self.seconds * 1e3:.3f}", "", f"{sum(r.bytes for r in self) / 1024:.1f}", "100.0")
        return _table(("node", "op", "ms", "GFLOP/s", "KiB", "%"), [*rows, total])

    __repr__ = __str__


class Memory(NamedTuple):
    """Bytes that a session holds."""

    weights_bytes: int
    """stored arrays of the file, and what compiled code keeps of them"""
    packed_bytes: int
    """weights in the order in which kernels read them"""
    arena_bytes: int
    """results of nodes"""
    peak_bytes: int
    """all of these, while the largest program runs"""
    programs: int

    def __str__(self) -> str:
        rows = [
            ("weights", self.weights_bytes), ("packed weights", self.packed_bytes), ("arenas", self.arena_bytes),
            ("peak", self.peak_bytes),
        ]  # fmt: skip
        lines = [(name, f"{size / 1024:.1f}") for name, size in rows]
        return _table(("memory", "KiB"), [*lines, ("programs", str(self.programs))])

    def __repr__(self) -> str:
        return str(self)


def profile(plan: Plan, feeds: Mapping[str, np.ndarray], repeats: int) -> Profile:
    """Run a plan and time its nodes."""
    if repeats < 1:
        raise ValueError(f"profile: repeats must be at least 1, got {repeats}")
    found: list[Timed] = []

    def watch(step: Step, env: Arrays) -> Arrays:
        if isinstance(step, Chosen | Looped):
            return step.run(env, watch)
        made = step.run(env)
        if isinstance(step, Compiled):
            found.extend(_compiled(step, [env[n] for n in step.reads], repeats))
        else:
            found.append(_evaluated(step, env, made, repeats))
        return made

    plan.run(feeds, watch)
    total = sum(seconds for _, _, seconds, _, _ in found) or 1.0
    return Profile(
        Row(node, op, s, None if flops is None else flops / max(s, 1e-9) / 1e9, size, s / total)
        for node, op, s, flops, size in found
    )


def memory(plan: Plan) -> Memory:
    """Bytes that a plan holds."""
    programs = [step.program for step in plan.steps() if isinstance(step, Compiled)]
    arrays = [
        *(v.array for p in programs for v in p.graph.variables),
        *(a for a in plan.frame.arrays.values() if a is not None),
    ]
    stored = {a.__array_interface__["data"][0]: a.nbytes for a in arrays}  # some are views of others
    sums = sum(stored.values()), sum(p.constant_bytes for p in programs), sum(p.arena_bytes for p in programs)
    return Memory(*sums, sum(sums), len(programs))


def _compiled(step: Compiled, arrays: Sequence[Any], repeats: int) -> list[Timed]:
    """The nodes of a program."""
    seconds: dict[int, float] = {}
    nodes = {}
    groups = step.program.groups
    for (node, _), s in step.program.profile(repeats, arrays):
        seconds[id(node)] = seconds.get(id(node), 0.0) + groups * s
        nodes[id(node)] = node
    found: list[Timed] = []
    for key, node in nodes.items():
        origin, cost = step.origin(node), get_op(node.op).cost(node)
        name = node.name if origin is None else origin.name or next(filter(None, origin.output), node.name)
        found.append((name, node.op, seconds[key], groups * cost.flops, groups * cost.bytes))
    return found


def _evaluated(step: Any, env: Arrays, made: Arrays, repeats: int) -> Timed:
    """A node that NumPy evaluates."""
    taken = []
    for _ in range(min(repeats, 5)):
        start = time.perf_counter()
        step.run(env)
        taken.append(time.perf_counter() - start)
    size = sum(env[n].nbytes for n in step.proto.input if n) + sum(a.nbytes for a in made.values())
    name = step.proto.name or next(filter(None, step.proto.output), "")
    return name, step.proto.op_type, statistics.median(taken), None, size


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a header: words to the left, numbers to the right; the last row is set apart."""
    words = [i for i, title in enumerate(header) if title in ("node", "op", "memory")]
    widths = [max(len(r[i]) for r in [header, *rows]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = [f"{c:<{w}}" if i in words else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([line(header), rule, *map(line, rows[:-1]), rule, line(rows[-1])])
