"""Single layers beside onnxruntime (inference) and PyTorch (gradients).

    python benchmarks/kernels.py --threads 1,2 --only "conv 3×3" --json kernels.json

Each line is one layer, with bias and ReLU where it has weights.  Inputs and outputs lie ready in memory on both sides
(`Program.execute`, onnxruntime's I/O binding): channels last for edgenet and PyTorch, channels first for onnxruntime.
Weights of the forward layers are constants on both sides, so their packing is not timed; those of the gradients
change from run to run, as in training, so it is.  "peak" is the share of the multiply-add peak that was measured on as
many threads before (`_peak.py`); layers that mostly move memory give GB/s instead, inputs and outputs counted once.
"ratio" is the peer's time by edgenet's: above 1 edgenet is faster.  `_measure.py` tells how times are taken.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from _measure import AGREE, Contestant, Pace, chosen, difference, measure, pace, parser, ratio, spread, threads
from _peak import tell_peaks
from _peers import Peer, installed
from _problems import Problem, problems
from _report import Report

from edgenet.compile import compile_graph
from edgenet.compile.program import Program
from edgenet.graph import Graph, get_op

COLUMNS = {
    "layer": "<40", "threads": "7", "edgenet µs": "10.1f", "rate": "<14", "peak": "5.0%", "peer": "<11",
    "peer µs": "9.1f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%", "differs": "7.0e",
}  # fmt: skip


def compiled(problem: Problem) -> tuple[Program, int, int]:
    """The problem's program with its inputs filled in; operations and bytes of a run."""
    graph = Graph(problem.family)
    y = problem.build(*(graph.input(x.shape) for x in problem.inputs))
    graph.outputs = [
        y,
        *graph.inputs,
    ]  # inputs that are outputs too are not overwritten: every run sees the same numbers
    program = compile_graph(graph)
    for home, x in zip(program.inputs, problem.inputs, strict=True):
        home[...] = x
    flops = sum(get_op(n.op).cost(n).flops for n in graph.nodes)
    return program, flops, sum(v.spec.size_bytes for v in graph.outputs)


def compare(problem: Problem, program: Program, count: int, pace: Pace, report: Report) -> dict[str, Any]:
    """Measure one problem on `count` threads."""
    ours = Contestant("edgenet", program.execute)
    contestants, peer = [ours], peer_of(problem, count)
    row: dict[str, Any] = {"layer": problem.name, "family": problem.family, "threads": count}
    with threads(count):
        if peer is not None:
            program.execute()
            row["differs"] = difference(program.outputs[0], problem.back(peer.results()[0]))
            if not row["differs"] < AGREE:
                report.fail(f"{problem.name}: edgenet and {peer.name} differ by {row['differs']:.1e}")
                return row
            contestants.append(Contestant(peer.name, peer.run))
        measure(contestants, pace)
    row |= {"edgenet µs": ours.median * 1e6, "edgenet_s": ours.seconds, "spread": spread(contestants)}
    for theirs in contestants[1:]:
        row |= {"peer": theirs.name, "peer µs": theirs.median * 1e6, "peer_s": theirs.seconds}
        row |= {"ratio": ratio(ours, theirs), "best": theirs.best / ours.best}
    return row


def peer_of(problem: Problem, count: int) -> Peer | None:
    """The problem's peer, where it is installed."""
    return problem.peer(count) if installed(problem.package) else None


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__).parse_args(arguments)
    report = Report("Single layers", COLUMNS, options)
    for package in ("onnxruntime", "torch"):
        if not installed(package):
            print(f"{package} is not installed: its columns stay empty")
    peaks = report.extra["peak_flops_per_s"] = tell_peaks(options.threads, pace(options))
    report.head()
    for problem in problems(options.fast):
        if chosen(options, problem.name):
            run(problem, options, peaks, report)
    return report.close()


def run(problem: Problem, options: argparse.Namespace, peaks: dict[int, float], report: Report) -> None:
    """One line for each number of threads."""
    program, flops, moved = compiled(problem)
    for count in options.threads:
        row = compare(problem, program, count, pace(options), report)
        if "edgenet_s" in row:
            seconds = row["edgenet µs"] / 1e6
            row["flops"], row["bytes"] = flops, moved
            if problem.counts_bytes:
                row["rate"] = f"{moved / seconds / 1e9:6.1f} GB/s"
            else:
                row |= {"rate": f"{flops / seconds / 1e9:6.1f} GFLOP/s", "peak": flops / seconds / peaks[count]}
        report.add(row, problem.family)


if __name__ == "__main__":
    sys.exit(main())
