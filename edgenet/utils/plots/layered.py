"""Places for the boxes of a directed graph without circles, from top to bottom.

The four steps of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981:

1. *ranks*: a box lies one rank below the lowest of those before it;
2. *bends*: an arrow over several ranks gets a bend, a place without a box, in each rank between, so that it goes
   around the boxes there;
3. *order*: within a rank by the mean place of the neighbours, rank after rank, down and up, as long as fewer arrows
   cross;
4. *places*: each box as near as can be to the mean of its neighbours (`spread`), again down and up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Size = tuple[float, float]
Point = tuple[float, float]

ACROSS, DOWN = 26.0, 30.0  # gaps between boxes, in points
SWEEPS = 12


@dataclass
class Layout:
    """Centres of the boxes, the points of each arrow, and the size of the whole; y grows downwards."""

    centres: list[Point]
    arrows: list[list[Point]]
    size: Size


def layered(sizes: Sequence[Size], arrows: Sequence[tuple[int, int]]) -> Layout:
    """Places for boxes of these sizes, which stand in an order that agrees with the arrows.

    >>> found = layered([(40.0, 20.0)] * 3, [(0, 1), (1, 2)])
    >>> found.centres, found.size
    ([(20.0, 10.0), (20.0, 60.0), (20.0, 110.0)], (40.0, 120.0))
    """
    if not sizes:
        return Layout([], [], (0.0, 0.0))
    rank = _ranks(len(sizes), arrows)
    rows: list[list[int]] = [[] for _ in range(max(rank) + 1)]
    for i, r in enumerate(rank):
        rows[r].append(i)
    widths = [w for w, _ in sizes]
    above: list[list[int]] = [[] for _ in sizes]
    below: list[list[int]] = [[] for _ in sizes]
    chains = []
    for a, b in arrows:
        chain = [a]
        for r in range(rank[a] + 1, rank[b]):
            rows[r].append(len(widths))
            chain.append(len(widths))
            widths.append(0.0)
            above.append([])
            below.append([])
        chain.append(b)
        chains.append(chain)
        for upper, lower in pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    rows = _ordered(rows, above, below)
    x = _places(rows, widths, above, below, len(sizes))
    left = min(x[i] - widths[i] / 2 for i in range(len(widths)))
    heights = [max((sizes[i][1] for i in row if i < len(sizes)), default=0.0) for row in rows]
    tops = [sum(heights[:r]) + DOWN * r for r in range(len(rows))]
    centre = [tops[r] + heights[r] / 2 for r in range(len(rows))]
    lines = []
    for (a, b), chain in zip(arrows, chains, strict=True):
        points = [(x[a] - left, centre[rank[a]] + sizes[a][1] / 2)]
        for r, bend in enumerate(chain[1:-1], rank[a] + 1):  # straight through the rank
            points += [(x[bend] - left, tops[r]), (x[bend] - left, tops[r] + heights[r])]
        lines.append([*points, (x[b] - left, centre[rank[b]] - sizes[b][1] / 2)])
    right = max(x[i] + widths[i] / 2 for i in range(len(widths)))
    centres = [(x[i] - left, centre[rank[i]]) for i in range(len(sizes))]
    return Layout(centres, lines, (right - left, tops[-1] + heights[-1]))


def _ranks(n: int, arrows: Sequence[tuple[int, int]]) -> list[int]:
    rank = [0] * n
    for a, b in sorted(arrows, key=lambda arrow: arrow[1]):
        rank[b] = max(rank[b], rank[a] + 1)
    entered = {b for _, b in arrows}
    for i in range(n):  # what nothing leads to stands right above what it leads to
        after = [rank[b] for a, b in arrows if a == i]
        if i not in entered and after:
            rank[i] = min(after) - 1
    return rank


def _ordered(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """The rows in an order with few crossings."""
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(SWEEPS):
        rows = [list(row) for row in rows]
        down = sweep % 2 == 0
        for r in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            place = {i: k for k, i in enumerate(rows[r - 1 if down else r + 1])}
            key = {i: _mean([place[j] for j in (above if down else below)[i]], k) for k, i in enumerate(rows[r])}
            rows[r].sort(key=key.__getitem__)
        found = _crossings(rows, below)
        if found < fewest:
            best, fewest = rows, found
    return best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(rows: list[list[int]], below: list[list[int]]) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        place = {i: k for k, i in enumerate(lower)}
        ends = [place[j] for i in upper for j in sorted(below[i], key=place.__getitem__)]
        count += sum(a > b for k, a in enumerate(ends) for b in ends[k + 1 :])
    return count


def _places(
    rows: list[list[int]], widths: Sequence[float], above: list[list[int]], below: list[list[int]], boxes: int
) -> list[float]:
    """The x of every centre."""
    x = [0.0] * len(widths)
    for row in rows:
        for i, place in zip(row, spread([0.0] * len(row), _gaps(row, widths), [1.0] * len(row)), strict=True):
            x[i] = place
    for sweep in range(6 * SWEEPS):
        down = sweep % 2 == 0
        for r in range(len(rows)) if down else range(len(rows) - 1, -1, -1):
            row = rows[r]
            near = [above[i] + below[i] if sweep > 2 * SWEEPS else (above if down else below)[i] for i in row]
            wanted = [_mean([x[j] for j in n], x[i]) for i, n in zip(row, near, strict=True)]
            weights = [8.0 if i >= boxes else 1.0 for i in row]  # arrows bend less than boxes move
            for i, place in zip(row, spread(wanted, _gaps(row, widths), weights), strict=True):
                x[i] = place
    return x


def _gaps(row: Sequence[int], widths: Sequence[float]) -> list[float]:
    """The least distances between the centres of neighbours."""
    return [(widths[a] + widths[b]) / 2 + ACROSS for a, b in pairwise(row)]


def spread(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The places in order, at least the gaps apart, with the least weighted sum of squared distances from `wanted`.

    After subtracting the gaps it is a monotone regression: neighbours in the wrong order are pooled at their mean
    (Ayer et al., "An Empirical Distribution Function for Sampling with Incomplete Information", 1955).

    >>> spread([0.0, 0.0, 9.0], [2.0, 2.0], [1.0, 1.0, 1.0])
    [-1.0, 1.0, 9.0]
    """
    shifts = [0.0]
    for gap in gaps:
        shifts.append(shifts[-1] + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, number of members
    for place, shift, weight in zip(wanted, shifts, weights, strict=False):
        mean, count = place - shift, 1
        while pools and pools[-1][0] > mean:
            other, heavy, members = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, count = weight + heavy, count + members
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + shift for mean, shift in zip(means, shifts, strict=False)]
