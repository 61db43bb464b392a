"""The same weights packed twice are packed once.

A layer that is unrolled reads one matrix in every step, and each step's product would pack it for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import At, Call
from edgenet.kernels.cpu.gemm import pack


def shared(calls: Sequence[Call], once: set[int]) -> tuple[set[int], dict[int, Any]]:
    """Which of the calls that run once repeat an earlier one, and what stands for the memory that they would fill.

    Args:
        calls: the calls of a program, in their order.
        once: numbers of those that run once.

    Returns:
        the numbers of the calls to leave out, and by the id of what they fill that which the first one has filled.
    """
    first: dict[Any, Any] = {}
    repeated: set[int] = set()
    instead: dict[int, Any] = {}
    for i in sorted(once):
        if calls[i].kernel is not pack:
            continue
        source, packed, *rest = calls[i].args
        found = first.setdefault((_key(source), *map(_key, rest)), packed)
        if found is not packed:
            repeated.add(i)
            instead[id(packed)] = found
    return repeated, instead


def _key(arg: Any) -> Any:
    """What makes two arguments the same."""
    if isinstance(arg, At):
        return id(arg.operand), arg.offset
    if isinstance(arg, np.ndarray):
        return arg.tobytes()
    return arg if isinstance(arg, int | float) else id(arg)


def replaced(call: Call, instead: dict[int, Any]) -> Call:
    """A call that reads what stands for its operands."""
    if not any(id(a) in instead for a in call.args):
        return call
    return call._replace(args=tuple(instead.get(id(a), a) for a in call.args))
