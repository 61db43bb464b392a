"""Which kernel calls reduce which axes; shared by all ops of `reduce`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Scratch
from edgenet.kernels.cpu import reduce as k

from .pieces import even, pieces

#: the longest run of contiguous numbers that is summed as one, and numbers in one part of a sum over columns
RUN, PART = 8192, 65536
#: rows of fewer numbers are read several at a time
NARROW = 64


def stages(shape: Sequence[int], axes: Sequence[int]) -> list[tuple[int, int, int]]:
    """The reductions x[outer, d, inner] → [outer, inner], one after the other, that reduce all `axes`.

    The largest comes first: what follows has less to do.

    >>> stages((32, 28, 28, 64), (0, 1, 2)), stages((2, 3, 5, 7), (0, 2))
    ([(1, 25088, 64)], [(6, 5, 7), (1, 2, 21)])
    """
    merged: list[tuple[int, bool]] = []
    for i, d in enumerate(shape):
        if d != 1:
            if merged and merged[-1][1] == (i in axes):
                d *= merged.pop()[0]
            merged.append((d, i in axes))
    out = []
    while any(reduced for _, reduced in merged):
        d, at = sorted((d, i) for i, (d, reduced) in enumerate(merged) if reduced)[-1]
        sizes = [size for size, _ in merged]
        out.append((math.prod(sizes[:at]), d, math.prod(sizes[at + 1 :])))
        del merged[at]
    return out


def reduce_calls(
    kind: str, x: Any, y: Any, outer: int, d: int, inner: int, scale: float, images: int = 1
) -> list[Call]:
    """Reduce x[outer, d, inner] to y[outer, inner], in one pass or several; d may go through some `images`."""
    work = 4.0 * outer * d * inner
    if inner == 1:
        parts = 1 if d <= 2 * RUN else -(-d // RUN)
        length, target = (d, y) if parts == 1 else (RUN, Scratch(outer * parts))
        height = max(1, RUN // max(length, 1))
        now = scale if parts == 1 else 1.0
        run = (x, target, outer * parts, d, length, parts, height, now)
        calls = [Call(k.rows[kind], run, -(-outer * parts // height), work)]
        return calls if parts == 1 else calls + reduce_calls(kind, target, y, outer, parts, 1, scale)
    size = d * inner
    fold = -(-NARROW // inner) if inner < NARROW and size > 32 * NARROW else 1
    w = fold * inner
    rows = -(-size // w)
    height, cuts = min(max(64, PART // w), max(rows, 1)), 1
    if images > 1 and outer == 1 and size % (images * w) == 0:
        height = even(images, rows // images, height)
        cuts = pieces(images, rows, height)
    parts = -(-rows // height) if rows else 1
    last = parts * fold == 1
    target = y if last else Scratch(outer * parts * w)
    args = (x, target, size, w, height, parts, scale if last else 1.0)
    calls = [Call(k.columns[kind], args, outer * parts * -(-w // k.WIDTH), work, cuts)]
    return calls if last else calls + reduce_calls(kind, target, y, outer, parts * fold, inner, scale)
