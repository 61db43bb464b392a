"""The generated problems: that they are what they promise, and that the tolerance tells right from wrong on them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import cases
from oracle import conv, gemm, pool
from tolerance import tolerance

CONV, GEMM, POOL = cases.conv_cases(0, 200), cases.gemm_cases(0, 200), cases.pool_cases(0, 200)


@pytest.mark.parametrize("kind", ["conv", "gemm", "pool"])
def test_a_seed_is_a_case(kind):
    several, one = getattr(cases, f"{kind}_cases"), getattr(cases, f"{kind}_case")
    for seed, case in zip(range(7, 12), several(7, 5), strict=True):
        assert case == one(seed)
        assert f"seed={seed}," in repr(case)
        for array, again in zip(case.arrays(), one(seed).arrays(), strict=True):
            assert array.dtype == np.float32
            assert_array_equal(array, again)


def test_conv_cases_meet_every_kind_of_problem():
    promised = {
        "1x1": lambda c: (c.kh, c.kw) == (1, 1) and c.groups == 1,
        "stride above kernel": lambda c: c.strides[0] > c.kh and c.kh > 1,
        "pointwise with stride": lambda c: (c.kh, c.kw) == (1, 1) and c.strides == (2, 2),
        "asymmetric padding": lambda c: c.padding[0][0] < c.padding[0][1],
        "padding before only": lambda c: c.padding[1][0] > c.padding[1][1] == 0,
        "dilation": lambda c: max(c.dilation) > 1,
        "dilation and stride and groups": lambda c: max(c.dilation) > 1 and max(c.strides) > 1 and c.groups > 1,
        "groups": lambda c: 1 < c.groups < c.ci,
        "depthwise": lambda c: c.kind == "depthwise" and c.groups == c.ci == c.co > 1,
        "depthwise with multiplier 2": lambda c: c.kind == "depthwise" and c.groups == c.ci == c.co / 2 > 1,
        "empty batch": lambda c: c.n == 0,
        "several images": lambda c: c.n > 1,
        "one pixel in": lambda c: (c.h, c.w) == (1, 1),
        "one pixel out": lambda c: c.y_shape[1:3] == (1, 1),
        "unequal kernel": lambda c: c.kh != c.kw,
    }
    for what, holds in promised.items():
        assert any(map(holds, CONV)), what
    for name in ("ci", "co"):
        assert {getattr(case, name) for case in CONV} >= set(cases.CHANNELS)


def test_gemm_cases_meet_every_kind_of_problem():
    assert {(case.trans_a, case.trans_b) for case in GEMM} == {(a, b) for a in (False, True) for b in (False, True)}
    for name in ("m", "n", "k"):
        assert {getattr(case, name) for case in GEMM} >= {0, 1, 7, 8, 9, 15, 16, 17}


def test_pool_cases_meet_every_kind_of_problem():
    promised = {
        "asymmetric padding": lambda c: c.padding[0][0] != c.padding[0][1],
        "overlap": lambda c: c.strides[0] < c.size[0],
        "stride above window": lambda c: c.strides[0] > c.size[0],
        "the whole image": lambda c: c.size == (c.h, c.w) and c.size[0] > 1,
        "ties": lambda c: c.ties,
        "empty batch": lambda c: c.n == 0,
    }
    for what, holds in promised.items():
        assert any(map(holds, POOL)), what
    assert {case.c for case in POOL} >= set(cases.CHANNELS)


def test_shapes_are_those_of_the_oracles():
    for case in CONV:
        attrs = {name: value for name, value in case.attrs.items() if name != "groups"}
        assert case.y_shape == conv.conv2d_shape(case.x_shape, case.w_shape, **attrs)
        assert min(case.y_shape[1:]) > 0
    for case in POOL:
        assert case.y_shape == pool.pool2d_shape(case.x_shape, case.size, **case.attrs)
        pool.max_pool2d(case.arrays()[0], case.size, **case.attrs)  # fails where a window has no pixel
    for case in GEMM:
        a, b, bias, dy = case.arrays()
        assert gemm.matmul(a, b, **case.attrs).shape == dy.shape == (case.m, *bias.shape)


@pytest.mark.parametrize("k", [1, 3, 64, 576, 4608])
def test_the_tolerance_admits_float32_and_no_lost_product(k):
    """The worst order of summation there is, one product after another, over a thousand sums."""
    products = np.prod(np.random.default_rng(k).standard_normal((2, k, 1000)).astype(np.float32), axis=0)
    one_by_one = np.cumsum(products, axis=0, dtype=np.float32)[-1]
    exact = products.astype(np.float64).sum(axis=0)
    assert_allclose(one_by_one, exact, *tolerance(np.float32, k))
    lost = products[-1].astype(np.float64)
    rtol, atol = tolerance(np.float32, k)
    assert np.mean(np.abs(lost) > atol + rtol * np.abs(exact)) > 0.95


def test_the_tolerance_of_exact_types_is_nothing():
    assert tolerance(np.int8, 9) == tolerance(bool) == (0, 0)
    assert tolerance(np.float64, 4)[0] < 1e-14 < tolerance(np.float16)[0]
