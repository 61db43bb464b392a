"""Normalisation of rows as exporters write it, and what it is.

With m = mean(x), v = mean((x - m)²) over the last axes, and r = 1 / √(v + epsilon)::

    (x - m) / √(v + epsilon)        or  (x - m)·r               layer_norm(x)
    x·s + (beta - m·s), s = r·gamma                             layer_norm(x, gamma, beta)
    layer_norm(x)·gamma             layer_norm(x, gamma) + beta
"""

from __future__ import annotations

from edgenet.graph import Graph, Node, Value, emit


def _made(value: Value | None, op: str) -> Node | None:
    node = None if value is None else value.node
    return node if node is not None and node.op == op else None


def _number(value: Value | None) -> float | None:
    if value is None or value.array is None or value.array.size != 1:
        return None
    return float(value.array.reshape(()))


def _either(node: Node) -> list[tuple[Value, Value]]:
    """Both inputs, in both orders."""
    a, b = node.inputs[:2]
    return [(a, b), (b, a)] if a is not None and b is not None else []


def _centred(value: Value | None) -> tuple[Value, Value] | None:
    """x and its mean over the last axes, where the value is their difference."""
    node = _made(value, "sub")
    mean = None if node is None else _made(node.inputs[1], "mean")
    if node is None or mean is None or mean.inputs[0] is not node.inputs[0] or node.inputs[0] is None:
        return None
    return (node.inputs[0], mean.output) if _trailing(mean) else None


def _trailing(mean: Node) -> int:
    """How many of the last axes a mean is over, which it keeps as ones; 0 if it is over others."""
    x = mean.inputs[0]
    assert x is not None
    axes = sorted(a % x.spec.rank for a in mean.attrs["axes"])
    last = axes == list(range(x.spec.rank - len(axes), x.spec.rank))
    return len(axes) if last and mean.attrs["keepdims"] else 0


def _root(value: Value | None) -> tuple[Value, Value, float] | None:
    """x, its mean and epsilon, where the value is √(var + epsilon)."""
    root = _made(value, "sqrt")
    total = None if root is None else _made(root.inputs[0], "add")
    for var, small in [] if total is None else _either(total):
        epsilon, mean = _number(small), _made(var, "mean")
        square = None if mean is None else _made(mean.inputs[0], "square")
        found = None if square is None else _centred(square.inputs[0])
        if epsilon is not None and mean is not None and found is not None:
            inner = _made(found[1], "mean")
            if inner is not None and _trailing(mean) == _trailing(inner):
                return (*found, epsilon)
    return None


def _inverse(value: Value | None) -> tuple[Value, Value, float] | None:
    """The same, where the value is 1 / √(var + epsilon)."""
    node = _made(value, "div")
    return _root(node.inputs[1]) if node is not None and _number(node.inputs[0]) == 1 else None


def _axes(mean: Value) -> int:
    assert mean.node is not None
    return _trailing(mean.node)


def _row(x: Value, axes: int, vector: Value) -> bool:
    """Whether a value is one row for all rows of x, but for ones before it."""
    row = x.shape[x.spec.rank - axes :]
    lead = vector.shape[: max(vector.spec.rank - axes, 0)]
    return vector.fixed and all(d == 1 for d in lead) and vector.shape[len(lead) :] == row


def _emitted(graph: Graph, node: Node, x: Value, axes: int, epsilon: float, *vectors: Value | None) -> Value:
    row = x.shape[x.spec.rank - axes :]
    with graph.at(node):
        shaped = [v if v is None or v.shape == row else emit("reshape", [v], shape=row) for v in vectors]
        shaped += [None] * (2 - len(shaped))
        y: Value = emit("layer_norm", [x, *shaped], axes=axes, epsilon=epsilon, center=True)[0]
    return y


def fuse_norm(graph: Graph, node: Node) -> Value | None:
    """The normalisation that ends in `node`."""
    if node.op == "div":
        centred, found = _centred(node.inputs[0]), _root(node.inputs[1])
        return _plain(graph, node, centred, found)
    if node.op == "mul":
        for a, b in _either(node):
            y = _plain(graph, node, _centred(a), _inverse(b)) or _extended(graph, node, a, b, 1)
            if y is not None:
                return y
    if node.op == "add":
        for a, b in _either(node):
            y = _folded(graph, node, a, b) or _extended(graph, node, a, b, 2)
            if y is not None:
                return y
    return None


def _plain(
    graph: Graph, node: Node, centred: tuple[Value, Value] | None, found: tuple[Value, Value, float] | None
) -> Value | None:
    if centred is None or found is None or centred[0] is not found[0]:
        return None
    return _emitted(graph, node, found[0], _axes(found[1]), found[2])


def _extended(graph: Graph, node: Node, value: Value, vector: Value, place: int) -> Value | None:
    """A layer_norm without gamma (1) or beta (2) takes up the one that follows."""
    norm = _made(value, "layer_norm")
    if norm is None or norm.output is not value or any(v is not None for v in norm.inputs[place:]):
        return None
    x, axes = norm.inputs[0], norm.attrs["axes"]
    if x is None or not _row(x, axes, vector) or len(graph.users(value)) != 1:
        return None
    return _emitted(graph, node, x, axes, norm.attrs["epsilon"], *norm.inputs[1:place], vector)


def _scaled(value: Value | None) -> tuple[Value, Value, float, Value | None] | None:
    """x, its mean, epsilon and gamma, where the value is r·gamma or r."""
    found = _inverse(value)
    if found is not None:
        return (*found, None)
    node = _made(value, "mul")
    for a, b in [] if node is None else _either(node):
        found = _inverse(a)
        if found is not None and _row(found[0], _axes(found[1]), b):
            return (*found, b)
    return None


def _folded(graph: Graph, node: Node, left: Value, right: Value) -> Value | None:
    """x·s + (beta - m·s), where -m·s may stand as (m·-1)·s + beta."""
    product = _made(left, "mul")
    for x, s in [] if product is None else _either(product):
        found = _scaled(s)
        beta = None if found is None or found[0] is not x else _rest(right, found[1], s)
        if found is not None and beta is not None and _row(x, _axes(found[1]), beta):
            return _emitted(graph, node, x, _axes(found[1]), found[2], found[3], beta)
    return None


def _rest(value: Value, mean: Value, s: Value) -> Value | None:
    """beta, where the value is beta - mean·s."""
    node = value.node
    if node is None:
        return None
    if node.op == "sub" and node.inputs[0] is not None and _is_product(node.inputs[1], mean, s):
        return node.inputs[0]
    for a, b in _either(node) if node.op == "add" else []:
        product = _made(a, "mul")
        for negative, other in [] if product is None else _either(product):
            minus = _made(negative, "mul")
            if other is s and minus is not None and any(p is mean and _number(q) == -1 for p, q in _either(minus)):
                return b
    return None


def _is_product(value: Value | None, p: Value, q: Value) -> bool:
    node = _made(value, "mul")
    return node is not None and any(a is p and b is q for a, b in _either(node))
