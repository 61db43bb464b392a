"""Products of matrices and sums of products."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import Unfit
from ..node import OnnxNode
from .core import broadcast, folds, limited, operands, wide


@folds("MatMul")
def _matmul(node: OnnxNode) -> np.ndarray:
    a, b = operands(node)
    return product(wide(a), wide(b)).astype(a.dtype, copy=False)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product of (stacks of) matrices; a vector is a row on the left and a column on the right."""
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-2 if b.ndim > 1 else -1]:
        raise Unfit(f"matrices of shape {list(a.shape)} and {list(b.shape)} have no product")
    stack = broadcast([np.broadcast_to(np.zeros(()), x.shape[:-2]) for x in (a, b)])
    limited((*stack, *a.shape[-2:-1], *(b.shape[-1:] if b.ndim > 1 else ())))
    return np.asarray(np.matmul(a, b))


@folds("Gemm")
def _gemm(node: OnnxNode) -> np.ndarray:
    """alpha · a · b + beta · c, with a and b transposed if asked for."""
    arrays = operands(node)
    a, b = (wide(x).T if node.attr(name, 0) else wide(x) for name, x in zip(("transA", "transB"), arrays, strict=False))
    if a.ndim != 2 or b.ndim != 2:
        raise Unfit(f"expected two matrices, got shapes {list(a.shape)} and {list(b.shape)}")
    alpha, beta = node.attr("alpha", 1.0), node.attr("beta", 1.0)
    y = product(a, b)
    y = y if alpha == 1 else alpha * y
    if len(arrays) > 2:
        c = wide(arrays[2])
        if broadcast([y, c]) != y.shape:
            raise Unfit(f"c of shape {list(c.shape)} does not broadcast to {list(y.shape)}")
        y = y + (c if beta == 1 else beta * c)
    return np.asarray(y).astype(arrays[0].dtype, copy=False)


@folds("Einsum")
def _einsum(node: OnnxNode) -> np.ndarray:
    arrays, equation = operands(node), re.sub(r"\s", "", node.attr("equation", ""))
    limited(_result_shape(equation, arrays))
    return np.asarray(np.einsum(equation, *map(wide, arrays), optimize=True)).astype(arrays[0].dtype, copy=False)


def _result_shape(equation: str, arrays: Sequence[np.ndarray]) -> tuple[int, ...]:
    """The shape of the result; axes under an ellipsis count together."""
    terms, arrow, result = equation.partition("->")
    sizes: dict[str, int] = {}
    around: tuple[int, ...] = ()
    if terms.count(",") + 1 != len(arrays):
        raise Unfit(f"the equation {equation!r} does not fit {len(arrays)} inputs")
    for term, x in zip(terms.split(","), arrays, strict=True):
        before, dots, after = term.partition("...")
        middle = x.ndim - len(before) - len(after)
        if middle < 0 or (middle and not dots) or not re.fullmatch("[A-Za-z]*", before + after):
            raise Unfit(f"the term {term!r} of the equation does not fit an input of shape {list(x.shape)}")
        places = [*x.shape[: len(before)], *x.shape[x.ndim - len(after) :]]
        for letter, size in zip(before + after, places, strict=True):
            if sizes.setdefault(letter, size) not in (size, 1) and size != 1:
                raise Unfit(f"the letter {letter!r} of the equation stands for {sizes[letter]} and for {size}")
            sizes[letter] = max(sizes[letter], size)
        if dots:
            around = np.broadcast_shapes(around, x.shape[len(before) : x.ndim - len(after)])
    if not arrow:
        result = "..." * bool(around) + "".join(sorted(c for c in sizes if terms.count(c) == 1))
    if unknown := set(result.replace("...", "", 1)) - set(sizes):
        raise Unfit(f"the result of the equation {equation!r} has unknown letters {sorted(unknown)}")
    return (*around, *(sizes[c] for c in result.replace("...", "", 1)))


@folds("Det")
def _det(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise Unfit(f"expected square matrices, got shape {list(x.shape)}")
    return np.asarray(np.linalg.det(wide(x))).astype(x.dtype)
