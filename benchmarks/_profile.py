"""Where the time of a program goes, step by step, on one thread."""

from __future__ import annotations

from typing import Any

from edgenet.compile.program import Program
from edgenet.graph import get_op


def profile(title: str, program: Program, repeats: int, peak: float) -> list[dict[str, Any]]:
    """Print and return the steps of a program: time, FLOP/s, their share of `peak` (FLOP/s), and bytes.

    Operations and bytes are those of a node, its weights, inputs and outputs counted once; they stand in the last of
    its steps and belong to the time of all of them.
    """
    steps = program.profile(repeats)
    total = sum(seconds for _, seconds in steps)
    together: dict[int, float] = {}
    last: dict[int, Any] = {}
    for step, seconds in steps:
        together[id(step.node)] = together.get(id(step.node), 0.0) + seconds
        last[id(step.node)] = step
    flops = sum(get_op(s.node.op).cost(s.node).flops for s in last.values())
    print(
        f"\n  {title}: {len(steps)} steps, {total * 1e6:.1f} µs on one thread, {flops / total / 1e9:.1f} GFLOP/s, "
        f"{flops / total / peak:.0%} of the peak"
    )
    print(
        f"  {'node':<28}  {'output':<18}  {'kernel':<26}  {'tasks':>5}  {'µs':>8}  {'share':>5}  "
        f"{'GFLOP/s':>7}  {'peak':>5}  {'kB':>8}  {'GB/s':>6}"
    )
    rows = []
    for step, seconds in steps:
        node, call = step
        shape = "×".join(map(str, node.output.shape))
        row = {"node": node.name, "op": node.op, "output": shape, "kernel": call.kernel.name, "seconds": seconds}
        text = f"{node.name:<28}  {shape:<18}  {call.kernel.name:<26}  {call.tasks:5}  {seconds * 1e6:8.1f}  "
        text += f"{seconds / total:5.0%}"
        if last[id(node)] is step:
            cost, took = get_op(node.op).cost(node), max(together[id(node)], 1e-9)
            row |= {"flops": cost.flops, "bytes": cost.bytes, "node_seconds": took}
            text += f"  {cost.flops / took / 1e9:7.1f}  {cost.flops / took / peak:5.0%}"
            text += f"  {cost.bytes / 1e3:8.1f}  {cost.bytes / took / 1e9:6.1f}"
        print(f"  {text}".rstrip())
        rows.append(row)
    print()
    return rows
