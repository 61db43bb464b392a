"""Two-dimensional convolution: forward, input gradient, weight gradient.

NHWC activations and HWIO weights.  All three are contractions over the same geometry (`edgenet.ops.contraction`), or,
with one output channel for each input channel, the depthwise kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Layouts, Node, Op, ShapeError, Spec, Value, emit

from . import abreast, conv_dx, depthwise
from .contraction import Activation, Contraction, Matrix, calls
from .geometry import Geometry, image, output_shape, padded

GEOMETRY = ("strides", "padding", "dilation", "groups")


def _is_depthwise(g: Geometry) -> bool:
    return g.groups > 1 and g.groups == g.ci == g.co


class Conv2D(Op):
    """y[n, ho, wo, co] = act(sum x[n, ho·sh + kh·dh - top, wo·sw + kw·dw - left, ci] · w[kh, kw, ci, co] + b + res)."""

    name = "conv2d"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, w, b, res = specs
        y = Spec(output_shape(x, w, attrs))
        if b is not None and b.shape != (w.shape[3],):
            raise ShapeError(f"expected a bias of shape ({w.shape[3]},), got {b.shape}")
        if res is not None and res.shape != y.shape:
            raise ShapeError(f"expected a residual of the output's shape {y.shape}, got {res.shape}")
        return [y]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, w, b, res = node.inputs
        assert x is not None and w is not None
        if node.attrs["activation"] is not None:
            raise TypeError("conv2d: differentiate before activations are fused")
        dy, attrs = dys[0], {key: node.attrs[key] for key in GEOMETRY}
        dw = emit("conv2d_dw", [x, dy], w_shape=w.shape, **attrs)  # first: dx may lie where x lay
        dx = emit("conv2d_dx", [dy, w], x_shape=x.shape, **attrs)
        db = emit("sum", [dy], axes=(0, 1, 2), keepdims=False) if b is not None else None
        return [dx, dw, db, dy if res is not None else None]

    def lower(self, node: Node) -> list[Call]:
        x, w, b, res = node.inputs
        assert x is not None and w is not None
        g = Geometry.of(x.spec.sizes, w.spec.sizes, node.attrs)
        xp, out = padded(x, g.padding)
        y = image(node.output)
        after = None if res is None else image(res).origin
        if _is_depthwise(g):
            return out + depthwise.forward(g, xp, w, b, after, y, node.attrs["activation"])
        count = abreast.pixels(g) if w.graph.training and y.pixel == g.co else 1
        matrix, bias, made = abreast.weights(g, w, b, count)
        g, out = abreast.taken_as_one(g, count), out + made
        merged = g.groups == 1 and g.dilation[1] == 1 and (xp.pixel == g.ci or g.kw == 1)  # kw·ci numbers in a row
        taps = [(i, j) for i in range(g.kh) for j in ((0,) if merged else range(g.kw))]
        contraction = Contraction(
            a=xp.origin, b=matrix, c=y.origin, m=g.n * g.ho * g.wo, n=g.co_g, sizes=(g.ho, g.wo),
            sa=(xp.image, g.strides[0] * xp.row, g.strides[1] * xp.pixel), sc=(y.image, y.row, y.pixel * count),
            runs=tuple(i * g.dilation[0] * xp.row + j * g.dilation[1] * xp.pixel for i, j in taps),
            length=g.ci_g * (g.kw if merged else 1),
            bias=bias, res=after, activation=node.attrs["activation"],
            groups=g.groups, ga=g.ci_g, gc=g.co_g,
            keep=w.fixed and not w.graph.training, images=g.n if w.graph.training else 1,
        )  # fmt: skip
        return out + calls(contraction)

    def over(self, node: Node) -> list[Value]:
        x, w, _, res = node.inputs
        assert x is not None and w is not None
        apart = _is_depthwise(Geometry.of(x.spec.sizes, w.spec.sizes, node.attrs))
        return [] if res is None or apart else [res]  # tiles read of it what they are about to write

    def layouts(self, node: Node) -> Layouts:
        x, _, _, res = node.inputs
        assert x is not None
        y = node.output
        free, alike = ((x, y), ()) if res is None else ((x, y, res), ((res, y),))
        return Layouts(free, ((x, node.attrs["padding"]),), alike)

    def cost(self, node: Node) -> Cost:
        w = node.inputs[1]
        assert w is not None
        kh, kw, ci_g, _ = w.spec.sizes
        return Cost(2 * kh * kw * ci_g * node.output.spec.size, super().cost(node).bytes)


class Conv2DDx(Op):
    """Gradient of conv2d with respect to x.

    Where x has fewer channels than a vector lanes, what the taps of a kernel row give is computed side by side, and
    then added up (`conv_dx.by_rows`).  Otherwise nothing is stored in between:

    With stride s, the pixels of x fall into s·s phases; each phase sees its own taps of the kernel, and is a
    convolution of stride 1 over dy with those taps in reverse order, whose output is spread over x with step s.

    A third input, which the pass `fuse_sum` gives it, is added to the result and may lie where that will lie.
    """

    name = "conv2d_dx"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        dy, w, *_ = specs
        expected = output_shape(Spec(attrs["x_shape"]), w, attrs)
        if dy.shape != expected:
            raise ShapeError(f"expected dy of shape {expected} for x of shape {attrs['x_shape']}, got {dy.shape}")
        return [Spec(tuple(attrs["x_shape"]))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        dy, w = node.inputs
        assert dy is not None and w is not None
        attrs = {key: node.attrs[key] for key in GEOMETRY}
        ddy = conv2d(dys[0], w, **attrs)
        return [ddy, emit("conv2d_dw", [dys[0], dy], w_shape=w.shape, **attrs)]

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[2:] if v is not None]

    def lower(self, node: Node) -> list[Call]:
        dy, w, *others = node.inputs
        assert dy is not None and w is not None
        g = Geometry.of(node.output.spec.sizes, w.spec.sizes, node.attrs)
        if conv_dx.has_few_channels(g):
            assert not others, "see can_add"
            return conv_dx.by_rows(g, dy, w, node.output)
        return conv_dx.by_phases(g, dy, w, node.output, _is_depthwise(g), *others)

    def layouts(self, node: Node) -> Layouts:
        dy, w, *_ = node.inputs
        assert dy is not None and w is not None
        g = Geometry.of(node.output.spec.sizes, w.spec.sizes, node.attrs)
        return Layouts((dy,), ((dy, conv_dx.zeros_around(g)),))

    def cost(self, node: Node) -> Cost:
        dy, w, *_ = node.inputs
        assert dy is not None and w is not None
        kh, kw, ci_g, _ = w.spec.sizes
        return Cost(2 * kh * kw * ci_g * dy.spec.size, super().cost(node).bytes)


def can_add(node: Node) -> bool:
    """Whether this conv2d_dx can take a third input."""
    w = node.inputs[1]
    assert w is not None
    g = Geometry.of(node.output.spec.sizes, w.spec.sizes, node.attrs)
    return not _is_depthwise(g) and not conv_dx.has_few_channels(g)


class Conv2DDw(Op):
    """Gradient of conv2d with respect to w: the rows of the contraction are taps, its sum runs over pixels."""

    name = "conv2d_dw"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, dy = specs
        expected = output_shape(x, Spec(attrs["w_shape"]), attrs)
        if dy.shape != expected:
            raise ShapeError(f"expected dy of shape {expected} for w of shape {attrs['w_shape']}, got {dy.shape}")
        return [Spec(tuple(attrs["w_shape"]))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, dy = node.inputs
        assert x is not None and dy is not None
        attrs = {key: node.attrs[key] for key in GEOMETRY}
        return [emit("conv2d_dx", [dy, dys[0]], x_shape=x.shape, **attrs), conv2d(x, dys[0], **attrs)]

    def lower(self, node: Node) -> list[Call]:
        x, dy = node.inputs
        assert x is not None and dy is not None
        g = Geometry.of(x.spec.sizes, node.output.spec.sizes, node.attrs)
        xp, out = padded(x, g.padding)
        if _is_depthwise(g):
            return out + depthwise.weight_gradient(g, xp, image(dy), node.output)
        count = abreast.pixels(g)
        total, last = abreast.gathered(g, node.output, count)
        g = abreast.taken_as_one(g, count)
        contraction = Contraction(
            a=xp.origin, b=Matrix(dy, sk=g.co, group=g.co_g, beyond=not dy.fixed), c=total,
            m=g.kh * g.kw * g.ci_g, n=g.co_g,
            sizes=(g.kw, g.ci_g), sa=(g.dilation[0] * xp.row, g.dilation[1] * xp.pixel, 1),
            sc=(g.kw * g.ci_g * g.co, g.ci_g * g.co, g.co),
            runs=tuple(i * xp.image + j * g.strides[0] * xp.row for i in range(g.n) for j in range(g.ho)),
            length=g.wo, ks=g.strides[1] * xp.pixel,
            groups=g.groups, ga=g.ci_g, gc=g.co_g, sum_size=g.kh * g.kw * g.ci_g * g.co, images=g.n,
        )  # fmt: skip
        return out + calls(contraction) + last

    def layouts(self, node: Node) -> Layouts:
        x, dy = node.inputs
        assert x is not None and dy is not None
        g = Geometry.of(x.spec.sizes, node.output.spec.sizes, node.attrs)
        return Layouts((x, dy) if _is_depthwise(g) else (x,), ((x, node.attrs["padding"]),))

    def cost(self, node: Node) -> Cost:
        dy = node.inputs[1]
        assert dy is not None
        kh, kw, ci_g, _ = node.output.spec.sizes
        return Cost(2 * kh * kw * ci_g * dy.spec.size, super().cost(node).bytes)


def conv2d(
    x: Value, w: Any, b: Any = None, res: Any = None, *, strides: tuple[int, int] = (1, 1),
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)), dilation: tuple[int, int] = (1, 1),
    groups: int = 1, activation: Activation = None,
) -> Value:  # fmt: skip
    """Two-dimensional convolution (cross-correlation) over NHWC.

    Args:
        x: shape (n, h, w, ci).
        w: shape (kh, kw, ci / groups, co).
        b: shape (co,).
        res: shape of the result; added before the activation.
        strides: steps of the window along h and w.
        padding: rows of zeros (top, bottom) and columns of zeros (left, right).
        dilation: distance between taps along h and w.
        groups: the channels are split into this many groups that do not see each other.
        activation: None, ("relu",), ("clip", low, high) or ("leaky_relu", alpha).

    Returns:
        shape (n, ho, wo, co) with ho = (h + top + bottom - dilation · (kh - 1) - 1) // stride + 1.

    Raises:
        ShapeError: if the shapes do not fit together.
    """
    y: Value = emit(
        "conv2d", [x, w, b, res], strides=tuple(strides), padding=tuple(tuple(p) for p in padding),
        dilation=tuple(dilation), groups=groups, activation=activation,
    )  # fmt: skip
    return y
