"""Arrangements: in which order the axes of a tensor lie in memory.

ONNX speaks of images as (n, c, h, w), edgenet holds them as (n, h, w, c).  Neither side moves data when it crosses the
border.  Instead each tensor carries its arrangement, a tuple `axes`: place j of what is held is axis ``axes[j]`` of
what the other side speaks of.  A transposition then only rewrites this tuple; data moves where an operation insists on
an order of its own, once for each tensor and order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

Axes = tuple[int, ...]


def plain(rank: int) -> Axes:
    """Both sides in the same order."""
    return tuple(range(rank))


def channels_last(rank: int) -> Axes:
    """ONNX axes (n, c, spatial…) held as (n, spatial…, c).

    >>> channels_last(4), channels_last(2)
    ((0, 2, 3, 1), (0, 1))
    """
    return (0, *range(2, rank), 1) if rank > 1 else plain(rank)


def channels_first(rank: int) -> Axes:
    """The axes of edgenet (n, spatial…, c) held as (n, c, spatial…).

    >>> channels_first(4)
    (0, 3, 1, 2)
    """
    return (0, rank - 1, *range(1, rank - 1)) if rank > 1 else plain(rank)


def permutation(held: Axes, wanted: Axes) -> Axes:
    """What transposes the arrangement `held` into `wanted`.

    >>> permutation((0, 2, 3, 1), (0, 1, 2, 3))
    (0, 3, 1, 2)
    """
    return tuple(held.index(a) for a in wanted)


def inverse(perm: Axes) -> Axes:
    """The permutation that undoes `perm`."""
    return permutation(perm, plain(len(perm)))


def moves(shape: Sequence[Any], perm: Axes) -> bool:
    """Whether a transposition moves data: it does not if all axes longer than 1 keep their order.

    >>> moves((2, 1, 28, 28), (0, 2, 3, 1)), moves((2, 3, 28, 28), (0, 2, 3, 1))
    (False, True)
    """
    long = [p for p in perm if shape[p] != 1]
    return long != sorted(long) and 0 not in shape


def renamed(axes: Axes, perm: Axes) -> Axes:
    """The arrangement of the same data after the speaker has transposed by `perm`."""
    return tuple(perm.index(a) for a in axes)


def without(axes: Axes, gone: Iterable[int]) -> Axes:
    """The arrangement after the axes `gone` (of the speaker) are removed.

    >>> without((0, 2, 3, 1), [0])
    (1, 2, 0)
    """
    left = [a for a in axes if a not in set(gone)]
    return tuple(sorted(left).index(a) for a in left)


def with_new(axes: Axes, new: Iterable[int]) -> Axes:
    """The arrangement after the speaker has inserted axes of size 1, numbered as they are afterwards.

    Each goes right before the axis which follows it, so that an inserted spatial axis stands with the spatial axes.

    >>> with_new((0, 2, 1), [2])
    (0, 2, 3, 1)
    """
    new = sorted(new)
    old = [a for a in range(len(axes) + len(new)) if a not in new]
    out = [old[a] for a in axes]
    for a in reversed(new):
        out.insert(out.index(a + 1) if a + 1 in out else len(out), a)
    return tuple(out)


def arranged(shape: Sequence[Any], axes: Axes) -> tuple[Any, ...]:
    """The sizes as they are held."""
    return tuple(shape[a] for a in axes)


def product(sizes: Iterable[Any]) -> int:
    """Product of the sizes that are numbers."""
    return math.prod(s for s in sizes if not isinstance(s, str))
