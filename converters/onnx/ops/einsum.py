"""Einsum: sums, transpositions and products of stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

from edgenet.graph import Value, emit
from edgenet.ops.resample import take

from ..node import OnnxNode
from ..registry import importer
from ..tensor import Tensor, one, reshape, transpose

#: the letters that stand for the axes of an ellipsis
MORE = "0123456789"


def _spelled(node: OnnxNode, term: str, rank: int, most: int) -> str:
    """A term with a letter for each axis; those of the ellipsis count from its end."""
    letters = term.replace("...", "")
    if "..." in term:
        count = rank - len(letters)
        if not 0 <= count <= most:
            node.refuse(f"the term {term!r} does not fit an input of {rank} axes")
        term = term.replace("...", MORE[most - count : most])
    if len(term) != rank:
        node.refuse(f"the term {term!r} does not fit an input of {rank} axes")
    return term


def _single(value: Value, term: str, kept: str) -> tuple[Value, str]:
    """Letters that stand twice become one (the diagonal), and those that nobody keeps are summed."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            i, j = term.index(letter), term.rindex(letter)
            rest = [a for a in range(len(term)) if a not in (i, j)]
            value = transpose(value, (*rest, i, j))
            *lead, n, _ = value.shape
            value = take(reshape(value, (*lead, n * n)), [k * (n + 1) for k in range(n)], len(lead))
            term = "".join(term[a] for a in rest) + letter
    gone = tuple(a for a, letter in enumerate(term) if letter not in kept)
    if gone:
        value = one(emit("sum", [value], axes=gone, keepdims=False))
    return value, "".join(letter for letter in term if letter in kept)


def _ordered(value: Value, term: str, wanted: str) -> Value:
    """The axes in the order of `wanted`, with ones for letters that the term does not have."""
    value = transpose(value, tuple(term.index(letter) for letter in wanted if letter in term))
    sizes = iter(value.shape)
    return reshape(value, [next(sizes) if letter in term else 1 for letter in wanted])


def _pair(a: Value, p: str, b: Value, q: str, kept: str) -> tuple[Value, str]:
    """The product of two operands, summed over the letters that nobody keeps."""
    a, p = _single(a, p, kept + q)
    b, q = _single(b, q, kept + p)
    inner = "".join(letter for letter in p if letter in q and letter not in kept)
    both = "".join(letter for letter in p if letter in q and letter in kept)
    left = "".join(letter for letter in p if letter not in q)
    right = "".join(letter for letter in q if letter not in p)
    if not inner:
        order = both + left + right
        return one(emit("mul", [_ordered(a, p, order), _ordered(b, q, order)])), order
    m, n = (math.prod(v.shape[t.index(s)] for s in outer) for v, t, outer in ((a, p, left), (b, q, right)))
    k = math.prod(a.shape[p.index(s)] for s in inner)
    a, b = (
        transpose(a, tuple(map(p.index, both + left + inner))),
        transpose(b, tuple(map(q.index, both + inner + right))),
    )
    lead, edge = len(both), len(both) + len(left)
    shape = (*a.shape[lead:edge], *b.shape[lead + len(inner) :])
    y = one(emit(
        "matmul", [reshape(a, (*a.shape[:lead], m, k)), reshape(b, (*b.shape[:lead], k, n))], transpose_a=False,
        transpose_b=False,
    ))  # fmt: skip
    return reshape(y, (*y.shape[:lead], *shape)), both + left + right


@importer("Einsum", since=12)
def read_einsum(node: OnnxNode) -> Tensor:
    tensors = node.all_inputs()
    equation = node.attr("equation", "").replace(" ", "")
    source, arrow, target = equation.partition("->")
    terms = source.split(",")
    if len(terms) != len(tensors) or any(isinstance(s, str) for t in tensors for s in t.shape):
        node.refuse(f"expected {len(terms)} inputs of known shapes for the equation {equation!r}")
    pairs = list(zip(terms, tensors, strict=True))
    most = max([t.rank - len(s.replace("...", "")) for s, t in pairs if "..." in s], default=0)
    terms = [_spelled(node, s, t.rank, most) for s, t in pairs]
    letters = "".join(terms)
    if not arrow:
        target = MORE[:most] + "".join(sorted(s for s in set(letters) if letters.count(s) == 1 and s not in MORE))
    target = target.replace("...", MORE[:most])
    if any(s not in letters for s in target) or len(set(target)) != len(target):
        node.refuse(f"the equation {equation!r} asks for axes that no input has")
    values: list[Any] = [t.plain() for t in tensors]
    value, term = values[0], terms[0]
    for i in range(1, len(values)):
        value, term = _pair(value, term, values[i], terms[i], target + "".join(terms[i + 1 :]))
    value, term = _single(value, term, target)
    return node.held(transpose(value, tuple(map(term.index, target))))
