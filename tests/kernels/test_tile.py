"""The register tile of every row of the target table, on whatever machine this is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from edgenet.kernels.compiler import In, InI64, Kernel, Out, f32, i64
from edgenet.kernels.cpu.gemm import exact_height
from edgenet.kernels.generators import tile, tiles
from edgenet.kernels.target import TABLE, Shape
from tolerance import tolerance

TILES = sorted({(t.mr(nv), nv, t.lanes) for t in TABLE.values() for nv in range(1, t.widest + 1)})
NARROW = {(mr, 1, t.lanes) for t in TABLE.values() for mr in (*t.exact, *t.exact_beside)}
BESIDE = sorted(
    {(t.beside[nv - 1], nv, t.lanes) for t in TABLE.values() for nv in range(1, t.widest + 1)} | set(TILES) | NARROW
)
EVEN = sorted(
    {(t.tall[nv - 1], nv, t.lanes) for t in TABLE.values() for nv in range(1, t.widest + 1)} | set(TILES) | NARROW
)
#: shape, vectors, lanes, unrolled steps, by lane
CASES = [
    *((Shape(mr), *width, unroll, False) for mr, *width in TILES for unroll in (1, 2)),
    *((Shape(mr), *width, width[1], True) for mr, *width in TILES if width[1] == 4),
    *((Shape(mr, even=True, fetch=fetch), *width, 4, False) for mr, *width in EVEN for fetch in (False, True)),
    *((Shape(mr, even=True), *width, width[1], True) for mr, *width in EVEN if width[1] == 4),
    *((Shape(mr, even=True, adjacent=True), *width, unroll, False) for mr, *width in BESIDE for unroll in (1, 2)),
    *((Shape(1, streams=4), nv, lanes, 4, lanes == 4) for lanes in (4, 8, 16) for nv in (1, 4)),
]


def kernel_of(shape, nv, lanes, unroll, by_lane, masks):
    shapes = (Shape(1), Shape(shape.mr + 1), shape)  # it shares the epilogue of a taller one
    bring_tiles = tiles(shapes, nv, lanes, unroll, by_lane, by_lane, masks, lanes != TABLE["avx2"].lanes)
    which = len(shapes) - 1
    nr = nv * lanes

    def one_tile(
        a: In, b: In, bias: In, res: In, c: Out, runs: InI64, m: i64, n: i64, length: i64, nruns: i64,
        lda: i64, ldc: i64, ks: i64, first: i64, act: i64, alpha: f32, low: f32, high: f32, lo: i64, hi: i64,
    ):  # fmt: skip
        bring_tiles()
        r = 0
        while r < nruns or r == 0:  # `first` runs, then the others, which go on from there
            count = first if r == 0 and first < nruns else nruns - r
            last_act = act if r + count >= nruns else 0
            tile(which, (0, 0, 0), m, a, 0, c, 0, res, bias, 0, r, n, (1, 1000), (0, 0, lda), (0, 0, ldc), runs, r,
                 count, length, ks, b, r * length * nr, nr, 0, 16, last_act, alpha, low, high)  # fmt: skip
            r += max(count, 1)

    options = "_".join(f"{name}{value:d}" for name, value in shape._asdict().items())
    one_tile.__qualname__ = f"tile_{nv}x{lanes}u{unroll}_{by_lane:d}{masks:d}_{options}"
    return Kernel(one_tile)


def problem(seed, mr, nv, lanes, m=0, longest=9):
    rng = np.random.default_rng(seed)
    m, n = m or int(rng.integers(1, mr + 1)), int(rng.integers(1, nv * lanes + 1))
    nruns, length, ks = int(rng.integers(0, 4)), int(rng.integers(0, longest)), int(rng.integers(1, 3))
    runs = (np.arange(nruns) * 2 * longest).astype(np.int64)
    lda = (nruns + 1) * 2 * longest
    a = rng.standard_normal((m, lda)).astype(np.float32)
    b = rng.standard_normal((nruns * length, nv * lanes)).astype(np.float32)
    bias, res = rng.standard_normal(n).astype(np.float32), rng.standard_normal((m, n)).astype(np.float32)
    return m, n, nruns, length, ks, runs, lda, a, b, bias, res


@pytest.mark.parametrize(("shape", "nv", "lanes", "unroll", "by_lane"), CASES)
def test_every_tile(shape, nv, lanes, unroll, by_lane):
    kernel = kernel_of(shape, nv, lanes, unroll, by_lane, masks=lanes == TABLE["avx512"].lanes)
    mr, even, adjacent = shape.mr, shape.even, shape.adjacent
    for seed in range(40):
        m, n, nruns, length, ks, runs, lda, a, b, bias, res = problem(
            seed, mr, nv, lanes, mr * (1 + seed % 3) if even else 0, 2000 if shape.streams > 1 else 9
        )
        ks = 1 if by_lane else ks
        ldc = n + 3
        c = np.full((m + 1, ldc), 77, np.float32)  # what lies around the tile must stay
        padded = np.zeros((m, ldc), np.float32)
        padded[:, :n] = res
        act = seed % 4
        stored, scale = (a.T.copy(), m) if adjacent else (a, 1)  # A, and how far apart two numbers of a row lie in it
        kernel(stored, np.append(b.ravel(), 0).astype(np.float32), bias, padded, c, np.append(runs, 0) * scale,
               m, n, length, nruns, 1 if adjacent else lda, ldc, ks * scale, 1 + seed % 3, act, 0.1, -0.5, 0.75,
               tasks=1)  # fmt: skip
        k = np.concatenate([r + ks * np.arange(length) for r in runs] or [np.zeros(0)]).astype(int)
        want = a[:, k].astype(np.float64) @ b[:, :n].astype(np.float64) + bias + res
        results = (want, np.maximum(want, 0), np.clip(want, -0.5, 0.75), np.where(want < 0, 0.1 * want, want))
        want = results[act]
        assert_allclose(c[:m, :n], want, *tolerance(np.float32, len(k) + 2), err_msg=f"seed {seed}")
        c[:m, :n] = 77
        assert_array_equal(c, 77, err_msg=f"seed {seed}: written outside of the tile")


@pytest.mark.parametrize("target", TABLE.values(), ids=lambda t: t.name)
def test_tiles_fit_the_registers(target):
    for nv in range(1, target.widest + 1):
        for mr in (target.mr(nv), target.tall[nv - 1], target.beside[nv - 1]):
            assert mr * nv + nv + 1 <= target.registers
    assert all(mr + 2 <= target.registers for mr in (*target.exact, *target.exact_beside))


@pytest.mark.parametrize("heights", [(14, 12, 10), (16, 15, 0), (8, 0, 0)])
def test_short_rows_are_divided_exactly_where_a_height_does(heights):
    tall, *further = heights
    for room in range(1, 6 * tall):
        dividing = [i for i, height in enumerate(further, 1) if height and room % height == 0]
        wanted = dividing[0] if dividing and room % tall and room < 4 * tall else 0
        assert exact_height(room, *heights) == wanted
