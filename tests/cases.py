"""Seeded random problems for kernels, converters and oracles alike.

`conv_cases(seed, n)` lists the cases of seeds seed, seed + 1, … and likewise `gemm_cases` and `pool_cases`. A case is
known by its seed, which stands in its repr: what a failing test prints as `ConvCase(seed=17, …)` is `conv_case(17)`
again, with the same sizes and the same numbers. Which kind of problem a seed draws goes round in turn, so that a
short run meets every kind.

Sizes crowd around the lane counts of the vector units (4, 8, 16) and small multiples of them, one below and one above,
where kernels have their edges. Every case has at least one output pixel and no window that lies wholly in the padding;
the batch is sometimes empty.
"""

from dataclasses import dataclass

import numpy as np

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 65)
FEW_CHANNELS = CHANNELS[:8]
BATCHES = (0, 1, 1, 1, 1, 1, 2, 2, 3)
SPARE = (0, 0, 1, 2, 3, 5, 8, 13)  # pixels beyond the smallest image that the window fits into
CONV_KINDS = ("plain", "pointwise", "strided", "dilated", "grouped", "depthwise", "sparse", "any")
GEMM_SIZES = (1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15, 16, 17, 31, 32, 33, 47, 49, 63, 64, 65, 97)
GEMM_DEPTHS = (*GEMM_SIZES, 127, 129, 255, 256, 257, 513)
GEMM_KINDS = ("plain", "plain", "row", "column", "empty")
POOL_KINDS = ("tiling", "overlapping", "sparse", "whole")


@dataclass(frozen=True)
class ConvCase:
    """y (n, oh, ow, co) = conv2d(x (n, h, w, ci), weight (kh, kw, ci / groups, co), **attrs)."""

    seed: int
    kind: str
    n: int
    h: int
    w: int
    ci: int
    co: int
    kh: int
    kw: int
    strides: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    dilation: tuple[int, int]
    groups: int

    @property
    def attrs(self):
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    @property
    def x_shape(self):
        return (self.n, self.h, self.w, self.ci)

    @property
    def w_shape(self):
        return (self.kh, self.kw, self.ci // self.groups, self.co)

    @property
    def y_shape(self):
        oh = _outputs(self.h, self.kh, self.strides[0], self.padding[0], self.dilation[0])
        ow = _outputs(self.w, self.kw, self.strides[1], self.padding[1], self.dilation[1])
        return (self.n, oh, ow, self.co)

    @property
    def k(self):
        """How many products are summed in one number of y."""
        return self.kh * self.kw * self.ci // self.groups

    def arrays(self, dtype=np.float32):
        """x, w, b, dy: standard normal numbers."""
        return _normal(self.seed, dtype, self.x_shape, self.w_shape, (self.co,), self.y_shape)


@dataclass(frozen=True)
class GemmCase:
    """y (m, n) = op(a) (m, k) @ op(b) (k, n), where op transposes a under trans_a and b under trans_b."""

    seed: int
    kind: str
    m: int
    n: int
    k: int
    trans_a: bool
    trans_b: bool

    @property
    def attrs(self):
        return {"trans_a": self.trans_a, "trans_b": self.trans_b}

    @property
    def a_shape(self):
        return (self.k, self.m) if self.trans_a else (self.m, self.k)

    @property
    def b_shape(self):
        return (self.n, self.k) if self.trans_b else (self.k, self.n)

    def arrays(self, dtype=np.float32):
        """a, b as they are stored, bias (n,) and dy (m, n): standard normal numbers."""
        return _normal(self.seed, dtype, self.a_shape, self.b_shape, (self.n,), (self.m, self.n))


@dataclass(frozen=True)
class PoolCase:
    """y (n, oh, ow, c) = pool(x (n, h, w, c), size, **attrs). With ties, x holds few different numbers."""

    seed: int
    kind: str
    n: int
    h: int
    w: int
    c: int
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    ties: bool

    @property
    def attrs(self):
        return {"strides": self.strides, "padding": self.padding}

    @property
    def x_shape(self):
        return (self.n, self.h, self.w, self.c)

    @property
    def y_shape(self):
        oh = _outputs(self.h, self.size[0], self.strides[0], self.padding[0])
        ow = _outputs(self.w, self.size[1], self.strides[1], self.padding[1])
        return (self.n, oh, ow, self.c)

    @property
    def k(self):
        """How many numbers one window holds."""
        return self.size[0] * self.size[1]

    def arrays(self, dtype=np.float32):
        """x and dy: standard normal numbers, those of x rounded to integers where there are to be ties."""
        x, dy = _normal(self.seed, dtype, self.x_shape, self.y_shape)
        return (np.round(x) if self.ties else x), dy


def conv_cases(seed, n):
    """The n cases conv_case(seed), conv_case(seed + 1), …"""
    return [conv_case(s) for s in range(seed, seed + n)]


def gemm_cases(seed, n):
    """The n cases gemm_case(seed), gemm_case(seed + 1), …"""
    return [gemm_case(s) for s in range(seed, seed + n)]


def pool_cases(seed, n):
    """The n cases pool_case(seed), pool_case(seed + 1), …"""
    return [pool_case(s) for s in range(seed, seed + n)]


def conv_case(seed):
    rng = np.random.default_rng(seed)
    kind = CONV_KINDS[seed % len(CONV_KINDS)]
    kh, kw = (1, 1) if kind == "pointwise" else _draw(rng, (1, 2, 3, 3, 4, 5), 2)
    ci, co = _draw(rng, CHANNELS, 2)
    strides, dilation, groups = (1, 1), (1, 1), 1
    if kind in ("pointwise", "depthwise", "any"):
        strides = _draw(rng, (1, 2), 2)
    elif kind == "strided":
        strides = _draw(rng, (2, 3), 2)
    elif kind == "sparse":
        strides = (kh + 1, kw + 2)
    if kind in ("dilated", "any"):
        dilation = _draw(rng, (2, 3) if kind == "dilated" else (1, 2), 2)
    if kind == "depthwise":
        groups, co = ci, ci * _one(rng, (1, 2))
    elif kind in ("grouped", "any"):
        groups = _one(rng, (2, 3, 4))
        ci, co = (groups * size for size in _draw(rng, FEW_CHANNELS, 2))

    spans = ((kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1)
    padding = tuple(_padding(rng, span) for span in spans)
    h, w = (_image(rng, span, pads) for span, pads in zip(spans, padding, strict=True))
    return ConvCase(seed, kind, _one(rng, BATCHES), h, w, ci, co, kh, kw, strides, padding, dilation, groups)


def gemm_case(seed):
    rng = np.random.default_rng(seed)
    kind = GEMM_KINDS[seed % len(GEMM_KINDS)]
    m, n = _draw(rng, GEMM_SIZES, 2)
    k = _one(rng, GEMM_DEPTHS)
    if kind == "row":
        m = 1
    elif kind == "column":
        n = 1
    elif kind == "empty":
        m, n, k = ((0, n, k), (m, 0, k), (m, n, 0))[_one(rng, (0, 1, 2))]
    return GemmCase(seed, kind, m, n, k, *(bool(bit) for bit in _draw(rng, (0, 1), 2)))


def pool_case(seed):
    rng = np.random.default_rng(seed)
    kind = POOL_KINDS[seed % len(POOL_KINDS)]
    size = _draw(rng, (1, 2, 2, 3, 3, 4, 5), 2)
    strides = {"overlapping": (1, 1), "sparse": (size[0] + 1, size[1] + 2)}.get(kind, size)
    padding = ((0, 0), (0, 0)) if kind == "whole" else tuple(_padding(rng, length) for length in size)
    h, w = size if kind == "whole" else (_image(rng, *pair) for pair in zip(size, padding, strict=True))
    ties = bool(_one(rng, (0, 1)))
    return PoolCase(seed, kind, _one(rng, BATCHES), h, w, _one(rng, CHANNELS), size, strides, padding, ties)


def _one(rng, choices):
    return choices[int(rng.integers(len(choices)))]


def _draw(rng, choices, count):
    return tuple(_one(rng, choices) for _ in range(count))


def _padding(rng, span):
    """Zeros before and after, on either side fewer than the window spans; none, half of the time."""
    return (0, 0) if rng.integers(2) else (int(rng.integers(span)), int(rng.integers(span)))


def _image(rng, span, pads):
    """A size that the window fits into with its padding, often with nothing to spare."""
    return max(span - sum(pads), 1) + _one(rng, SPARE)


def _outputs(size, k, stride, pads, dilation=1):
    return (sum(pads) + size - (k - 1) * dilation - 1) // stride + 1


def _normal(seed, dtype, *shapes):
    """Numbers of another stream than the sizes were drawn from."""
    rng = np.random.default_rng([seed, 1])
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)
