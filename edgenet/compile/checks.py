"""What must hold before anything reaches machine code."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet.graph import At, Graph, Scratch, Value
from edgenet.kernels.compiler import Kernel

from .places import Places, Step, operands


def check_order(graph: Graph, steps: list[Step], places: Places) -> None:
    """A pass that puts a node before what it reads is a bug; it must not end in a silently wrong result."""
    written = {id(places.root(v)[0]) for v in graph.inputs}
    for step in steps:
        outputs = {id(places.root(o)[0]) for o, _ in operands(step.call, written=True)}
        for operand, _ in operands(step.call, written=False):
            root = places.root(operand)[0]
            made = id(root) in written or id(root) in outputs or root.spec.size == 0
            if not made and (not isinstance(root, Value) or root.data is None):
                raise AssertionError(f"{step.node!r} reads {operand!r}, which nothing before it has written")
        written |= outputs


def check_range(value: Value, array: np.ndarray) -> None:
    """Integers that the eight bits of an input cannot hold would silently become others."""
    if value.dtype not in ("int8", "uint8") or array.dtype == value.dtype or array.dtype.kind not in "iu":
        return
    info = np.iinfo(value.dtype)
    if array.size and not info.min <= array.min() <= array.max() <= info.max:
        raise TypeError(
            f"input {value.name!r} is {value.dtype}: expected numbers from {info.min} to {info.max}, got {array.dtype} "
            f"from {array.min()} to {array.max()}"
        )


def check_argument(kernel: Kernel, kind: Any, arg: Any, name: str) -> None:
    """A wrong operand is a bug of a lowering; it must not reach machine code."""
    if not kind.pointer:
        if not isinstance(arg, int | float | np.integer | np.floating):
            raise AssertionError(f"{kernel.name}: {name} must be a number, got {arg!r}")
        return
    if isinstance(arg, At):
        arg = arg.operand
    if arg is None or isinstance(arg, np.ndarray):
        dtype = kind.dtype if arg is None else str(arg.dtype)
    elif isinstance(arg, Value | Scratch):
        dtype = arg.spec.dtype
    else:
        raise AssertionError(f"{kernel.name}: {name} must be an operand, got {arg!r}")
    if not kind.takes(dtype):
        raise AssertionError(f"{kernel.name}: {name} must be {kind.dtype}, got {dtype}")
