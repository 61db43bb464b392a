"""Which images lie inside a border of zeros, or between the channels of a wider one: see `edgenet.graph.Layout`.

Each op says what it can do (`Op.layouts`).  Values that must have one layout, or lie in one memory, form a group; a
group gets the widest border that a reader of one of its values wants, if every node that writes or reads them can
follow strides.  What cannot is copied where it is needed, as if this pass had not been.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgenet.graph import Call, Graph, Layout, Layouts, Node, Value, get_op
from edgenet.graph.layout import NO_BORDER, Pads
from edgenet.kernels.cpu.conv import zero_border
from edgenet.kernels.target import l2_bytes
from edgenet.ops.pieces import units


def lay_out(graph: Graph) -> None:
    """Give values of a graph, whose shapes are known, the layouts that save most copies."""
    wishes = [(node, get_op(node.op).layouts(node)) for node in graph.nodes]
    lined, free = _free(graph, wishes, lines=True), _free(graph, wishes, lines=False)
    groups = _Groups()
    tied: set[int] = set()  # has another value's layout, so it cannot lie in a third one
    for _, wish in wishes:
        for a, b in wish.alike:
            groups.join(a, b)
            tied.update((id(a), id(b)))
    nested: dict[int, tuple[Value, Value, int]] = {}
    for _, wish in wishes:
        for value, owner, first in wish.inside:
            if id(value) in free and id(value) not in tied and id(value) not in nested:
                nested[id(value)] = (value, owner, first)
                groups.join(value, owner)
    borders: dict[int, Pads] = {}
    for _, wish in wishes:
        for value, pads in wish.borders:
            root = groups.root(value)
            borders[root] = _wider(borders.get(root, NO_BORDER), pads)
    for root, border in borders.items():
        members = groups.members(root)
        if border != NO_BORDER and all(id(v) in lined for v in members):
            for v in members:
                v.layout = Layout.bordered(v.spec.sizes, border)
    for value, owner, first in _outer_first(nested):
        value.layout = owner.layout.channels(first, owner)


def zeros_around(x: Value, n: int) -> Call:
    """The call that writes the zeros around n images; their memory may have held other values since the last run."""
    (count, h, w, c), layout = x.spec.sizes, x.layout
    size = layout.size - (count - n) * layout.strides[0]
    args = (x, size, layout.start, *layout.strides[:2], n * h, h, w * c)
    return Call(zero_border, args, n * h + 1, 4.0 * (size - n * h * w * c))


def _free(graph: Graph, wishes: list[tuple[Node, Layouts]], lines: bool) -> set[int]:
    """The images that every node which writes or reads them can follow, and nobody outside of the graph looks at.

    With `lines` from row to row at least, else from pixel to pixel.
    """
    made = {id(v) for v in graph.inputs} | {id(v) for node, _ in wishes for v in node.outputs if not v.fixed}
    free = {
        id(v) for _, wish in wishes for v in (*wish.free, *wish.lines)
        if id(v) in made and v.spec.rank == 4 and v.spec.size and v.dtype == "float32"
    }  # fmt: skip
    free -= {id(v) for v in graph.outputs}
    if graph.training:  # a chain copies images between zeros where it needs them, from the caller's array (`sources`)
        large = (v for v in graph.inputs if v.spec.size_bytes > l2_bytes() and units(v.spec.sizes[0]) > 1)
        free -= {id(v) for v in large}
    for node, wish in wishes:
        follows = {id(v) for v in (*wish.free, *(wish.lines if lines else ()))}
        free -= {id(v) for v in (*node.inputs, *node.outputs) if v is not None and id(v) not in follows}
    return free


def _wider(a: Pads, b: Pads) -> Pads:
    (top, bottom), (left, right) = (
        tuple(max(x, y) for x, y in zip(mine, theirs, strict=True)) for mine, theirs in zip(a, b, strict=True)
    )
    return (top, bottom), (left, right)


def _outer_first(nested: dict[int, tuple[Value, Value, int]]) -> Iterator[tuple[Value, Value, int]]:
    """Every value behind the one that it lies in."""

    def depth(value: Value) -> int:
        return 1 + depth(nested[id(value)][1]) if id(value) in nested else 0

    yield from sorted(nested.values(), key=lambda entry: depth(entry[0]))


class _Groups:
    """Disjoint sets of values."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._values: dict[int, Value] = {}

    def root(self, value: Value) -> int:
        """What all members of the value's set have in common."""
        at = id(value)
        self._values.setdefault(at, value)
        while self._parent.get(at, at) != at:
            at = self._parent[at]
        return at

    def join(self, a: Value, b: Value) -> None:
        """Make one set of two."""
        self._parent[self.root(a)] = self.root(b)

    def members(self, root: int) -> list[Value]:
        """All values of a set."""
        return [v for v in self._values.values() if self.root(v) == root]
