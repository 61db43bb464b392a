"""Convolution and pooling over three spatial axes, made of those over two.

The taps of a kernel along depth are two-dimensional convolutions of slices of x, each added to by the next one; maxima
and sums over a box are taken over height and width first and over depth then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import ShapeError, Value, emit

from .conv import conv2d

Pair = tuple[int, int]
Triple = tuple[int, int, int]
Pads3 = tuple[Pair, Pair, Pair]
NO_PADDING: Pads3 = ((0, 0), (0, 0), (0, 0))


def _check(x: Value, *others: Any) -> None:
    if x.spec.rank != 5 or not x.spec.known:
        raise ShapeError(f"expected x of known shape (n, d, h, w, c), got {x.shape}")
    if any(len(o) != 3 for o in others):
        raise ShapeError(f"expected three numbers, for d, h and w, got {others}")


def _along_depth(x: Value, start: int, count: int, step: int) -> Value:
    """`count` places of depth, in steps."""
    y: Value = emit(
        "slice", [x], starts=(None, start, None, None, None),
        stops=(None, start + (count - 1) * step + 1, None, None, None), steps=(1, step, 1, 1, 1),
    )  # fmt: skip
    return y


def _shaped(x: Value, shape: Sequence[int]) -> Value:
    y: Value = emit("reshape", [x], shape=tuple(shape))
    return y


def _tap(w: Value, i: int) -> Value:
    """The kernel of one place of depth."""
    cut: Value = emit("slice", [w], starts=(i, *[None] * 4), stops=(i + 1, *[None] * 4), steps=(1,) * 5)
    return _shaped(cut, w.spec.sizes[1:])


def _outputs(size: int, kernel: int, stride: int, pads: Pair, dilation: int) -> int:
    count = (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1
    if count < 1:
        raise ShapeError(f"a window of {kernel} (dilation {dilation}) does not fit into depth {size}, padding {pads}")
    return count


def conv3d(
    x: Value, w: Value, b: Any = None, *, strides: Triple = (1, 1, 1), padding: Pads3 = NO_PADDING,
    dilation: Triple = (1, 1, 1), groups: int = 1,
) -> Value:  # fmt: skip
    """Three-dimensional convolution (cross-correlation) over (n, d, h, w, c).

    Args:
        x: shape (n, d, h, w, ci), all sizes known.
        w: shape (kd, kh, kw, ci / groups, co).
        b: shape (co,).
        strides: steps of the window along d, h and w.
        padding: zeros before and behind along each.
        dilation: distance between taps along each.
        groups: the channels are split into this many groups that do not see each other.

    Raises:
        ShapeError: if the shapes do not fit together.

    >>> from edgenet.graph import Graph
    >>> g = Graph()
    >>> conv3d(g.input((1, 4, 8, 8, 3)), g.input((3, 3, 3, 3, 16)))
    %reshape_6: float32[1, 2, 6, 6, 16]
    """
    _check(x, strides, padding, dilation)
    if w.spec.rank != 5:
        raise ShapeError(f"expected w of shape (kd, kh, kw, ci, co), got {w.shape}")
    kd = w.spec.sizes[0]
    n, d, *rest = x.spec.sizes
    count = _outputs(d, kd, strides[0], padding[0], dilation[0])
    if any(padding[0]):
        x = emit("pad", [x], padding=((0, 0), padding[0], (0, 0), (0, 0), (0, 0)), value=0.0)
    flat = {"strides": strides[1:], "padding": padding[1:], "dilation": dilation[1:], "groups": groups}
    y: Value | None = None
    for i in range(kd):
        part = _shaped(_along_depth(x, i * dilation[0], count, strides[0]), (n * count, *rest))
        y = conv2d(part, _tap(w, i), b if i == 0 else None, y, **flat)  # type: ignore[arg-type]
    assert y is not None
    return _shaped(y, (n, count, *y.spec.sizes[1:]))


def conv3d_transpose(
    y: Value, w: Value, x_shape: Sequence[int], *, strides: Triple = (1, 1, 1), padding: Pads3 = NO_PADDING,
    dilation: Triple = (1, 1, 1), groups: int = 1,
) -> Value:  # fmt: skip
    """The transpose of `conv3d`: from the shape of its result to that of its input, `x_shape`.

    Raises:
        ShapeError: if the shapes do not fit together.

    >>> from edgenet.graph import Graph
    >>> g = Graph()
    >>> conv3d_transpose(g.input((1, 2, 6, 6, 16)), g.input((3, 3, 3, 3, 16)), (1, 4, 8, 8, 3)).shape
    (1, 4, 8, 8, 3)
    """
    _check(y, strides, padding, dilation)
    n, d, h, width, ci = x_shape
    kd, count = w.spec.sizes[0], y.spec.sizes[1]
    if _outputs(d, kd, strides[0], padding[0], dilation[0]) != count:
        raise ShapeError(f"a result of shape {tuple(x_shape)} does not come of {y.shape}: its depth does not fit")
    flat = {"strides": strides[1:], "padding": padding[1:], "dilation": dilation[1:], "groups": groups}
    rows = _shaped(y, (n * count, *y.spec.sizes[2:]))
    whole = (n, d + sum(padding[0]), h, width, ci)
    total: Value | None = None
    for i in range(kd):
        part = emit("conv2d_dx", [rows, _tap(w, i)], x_shape=(n * count, h, width, ci), **flat)
        start = i * dilation[0]
        placed = emit(
            "slice_dx", [_shaped(part, (n, count, h, width, ci))], x_shape=whole,
            starts=(None, start, None, None, None),
            stops=(None, start + (count - 1) * strides[0] + 1, None, None, None), steps=(1, strides[0], 1, 1, 1),
        )  # fmt: skip
        total = placed if total is None else total + placed
    assert total is not None
    return _along_depth(total, padding[0][0], d, 1) if any(padding[0]) else total


def _pooled(name: str, x: Value, pool: Triple, strides: Triple, padding: Pads3, **attrs: Any) -> Value:
    _check(x, pool, strides, padding)
    n, d, *rest = x.spec.sizes
    window = {"pool": pool[1:], "strides": strides[1:], "padding": padding[1:]}
    y = emit(name, [_shaped(x, (n * d, *rest))], **window, **attrs)
    _, h, w, c = y.spec.sizes
    window = {"pool": (pool[0], 1), "strides": (strides[0], 1), "padding": (padding[0], (0, 0))}
    y = emit(name, [_shaped(y, (n, d, h * w, c))], **window, **attrs)
    return _shaped(y, (n, y.spec.sizes[1], h, w, c))


def max_pool3d(x: Value, pool: Triple, strides: Triple | None = None, padding: Pads3 = NO_PADDING) -> Value:
    """The maximum of each box of (n, d, h, w, c); `strides` are by default the box, padding never counts.

    Raises:
        ShapeError: if the box does not fit.

    >>> from edgenet.graph import Graph
    >>> max_pool3d(Graph().input((1, 4, 8, 8, 3)), (2, 2, 2)).shape
    (1, 2, 4, 4, 3)
    """
    return _pooled("max_pool", x, pool, strides or pool, padding)


def avg_pool3d(
    x: Value, pool: Triple, strides: Triple | None = None, padding: Pads3 = NO_PADDING, include_pad: bool = False
) -> Value:
    """The average of each box of (n, d, h, w, c); padding counts as zeros only with `include_pad`.

    Raises:
        ShapeError: if the box does not fit.

    >>> from edgenet.graph import Graph
    >>> avg_pool3d(Graph().input((1, 4, 8, 8, 3)), (2, 2, 2)).shape
    (1, 2, 4, 4, 3)
    """
    return _pooled("avg_pool", x, pool, strides or pool, padding, include_pad=bool(include_pad))


def windows(
    x: Value, axis: int, pool: int, stride: int, pads: Pair, dilation: int, combine: str, outside: float
) -> Value:
    """Neighbours along one axis combined, pair by pair, by the op `combine`; `outside` stands for what lies outside.

    What pooling with a dilation is made of, axis by axis.
    """
    rank, size = x.spec.rank, x.spec.sizes[axis] + sum(pads)
    count = _outputs(size, pool, stride, (0, 0), dilation)
    if any(pads):
        x = emit("pad", [x], padding=tuple(pads if a == axis else (0, 0) for a in range(rank)), value=outside)
    y: Value | None = None
    for i in range(pool):
        limits = {"starts": i * dilation, "stops": i * dilation + (count - 1) * stride + 1}
        cut = {key: tuple(v if a == axis else None for a in range(rank)) for key, v in limits.items()}
        part: Value = emit("slice", [x], steps=tuple(stride if a == axis else 1 for a in range(rank)), **cut)
        y = part if y is None else emit(combine, [y, part])
    assert y is not None
    return y
