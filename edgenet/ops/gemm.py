"""The dense (fully connected) product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, Scratch, ShapeError, Spec, Value, emit

from .contraction import Activation, Matrix, dense_calls
from .grid import Grid, calls


class Dense(Op):
    """y[m, n] = act(sum_k x[m, k] · w[k, n] + b[n] + res[m, n]); x or w may be stored transposed."""

    name = "dense"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, w, b, res = specs
        if x.rank != 2 or w.rank != 2:
            raise ShapeError(f"expected matrices x[m, k] and w[k, n], got shapes {x.shape} and {w.shape}")
        m, k = x.shape[::-1] if attrs["transpose_x"] else x.shape
        k_w, n = w.shape[::-1] if attrs["transpose_w"] else w.shape
        if k != k_w:
            raise ShapeError(f"x has {k} features (shape {x.shape}) but w takes {k_w} (shape {w.shape})")
        if b is not None and b.shape != (n,):
            raise ShapeError(f"expected a bias of shape ({n},), got {b.shape}")
        if res is not None and res.shape != (m, n):
            raise ShapeError(f"expected a residual of shape ({m}, {n}), got {res.shape}")
        return [Spec((m, n))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, w, b, res = node.inputs
        assert x is not None and w is not None
        if node.attrs["activation"] is not None:
            raise TypeError("dense: differentiate before activations are fused")
        dy, tx, tw = dys[0], node.attrs["transpose_x"], node.attrs["transpose_w"]
        dw = dense(dy, x, transpose_x=True, transpose_w=tx) if tw else dense(x, dy, transpose_x=not tx)
        dx = dense(w, dy, transpose_x=tw, transpose_w=True) if tx else dense(dy, w, transpose_w=not tw)
        db = emit("sum", [dy], axes=(0,), keepdims=False) if b is not None else None
        return [dx, dw, db, dy if res is not None else None]

    def lower(self, node: Node) -> list[Call]:
        x, w, b, res = node.inputs
        assert x is not None and w is not None
        (m, n), tx, tw = node.output.spec.sizes, node.attrs["transpose_x"], node.attrs["transpose_w"]
        k = x.spec.sizes[0 if tx else 1]
        keep = w.fixed and not w.graph.training
        plain = not tx and b is res is node.attrs["activation"] is None
        if plain and tw and not keep and 8 <= 2 * m <= n and k >= 32:
            return _turned(x, w, node.output, m, n, k)
        matrix = Matrix(w, sk=1, sn=k) if tw else Matrix(w, sk=n)
        lda, ks = (1, m) if tx else (k, 1)
        return dense_calls(
            x, matrix, node.output, m, n, k, lda=lda, ks=ks, bias=b, res=res,
            activation=node.attrs["activation"], keep=keep,
        )  # fmt: skip

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[3:] if v is not None]  # tiles read of it what they are about to write

    def cost(self, node: Node) -> Cost:
        x = node.inputs[0]
        assert x is not None
        k = x.spec.sizes[0 if node.attrs["transpose_x"] else 1]
        return Cost(2 * k * node.output.spec.size, super().cost(node).bytes)


def _turned(x: Value, w: Value, y: Value, m: int, n: int, k: int) -> list[Call]:
    """yᵀ = w · xᵀ, turned: w[n, k], the largest of the four, is read once as it lies, not packed in every run."""
    turned = Scratch(n * m)
    product = dense_calls(w, Matrix(x, sk=1, sn=k), turned, n, m, k, lda=k)
    return [*product, *calls(turned, y, Grid((m, n), (1, m), (n, 1)))]


def dense(
    x: Value, w: Any, b: Any = None, res: Any = None, *, transpose_x: bool = False, transpose_w: bool = False,
    activation: Activation = None,
) -> Value:  # fmt: skip
    """y = act(x · w + b + res).

    Args:
        x: shape (m, k), or (k, m) with `transpose_x`.
        w: shape (k, n), or (n, k) with `transpose_w`.
        b: shape (n,).
        res: shape (m, n); added before the activation.
        transpose_x: x is stored transposed.
        transpose_w: w is stored transposed.
        activation: None, ("relu",), ("clip", low, high) or ("leaky_relu", alpha).

    Raises:
        ShapeError: if the shapes do not fit together.
    """
    attrs = {"transpose_x": transpose_x, "transpose_w": transpose_w, "activation": activation}
    y: Value = emit("dense", [x, w, b, res], **attrs)
    return y
