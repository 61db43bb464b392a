"""The oracles of smooth activations, gathering and resizing against truth from elsewhere."""

import math

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from oracle import affine, curve, gather, resize


def test_erf_is_that_of_the_c_library():
    x = np.concatenate([np.linspace(-7, 7, 1001), [0.0, 1e-300, 1000, -1000]])
    assert_allclose(curve.erf(x), [math.erf(v) for v in x], rtol=1e-13, atol=1e-300)
    assert np.isnan(curve.erf(np.nan))


def test_published_numbers():
    assert_allclose(curve.gelu(np.array([1.0, -1.0])), [0.8413447460685429, -0.15865525393145707])
    assert_allclose(curve.gelu_tanh(1.0), 0.841192, atol=1e-6)
    assert_allclose(curve.silu(1.0), 0.7310585786300049)
    assert_allclose(curve.mish(1.0), 0.8650983882673103)
    assert_allclose(curve.elu(-1.0), -0.6321205588285577)
    assert_allclose(curve.hard_silu(1.0), 4 / 6)
    assert_allclose(curve.softplus(0.0), np.log(2))


def test_gather_and_resize_by_hand():
    table = np.array([[1.0, 2], [3, 4]])
    assert_array_equal(gather.gather(table, np.array([1, 0, 2])), [[3, 4], [1, 2], [np.nan, np.nan]])
    assert_array_equal(gather.gather_dx(np.ones((3, 2)), np.array([1, 1, 0]), (2, 2)), [[1, 1], [2, 2]])
    assert_array_equal(resize.resize([0.0, 4], 4, 0, "linear"), [0, 1, 3, 4])
    assert_array_equal(resize.resize([0.0, 4, 8], 2, 0, "nearest"), [0, 8])


def test_affine_by_hand():
    x = np.arange(6.0).reshape(1, 2, 3, 1)
    shift = np.array([[1, 0, 0, 0, 1, 0.5]])
    got = affine.affine(x, shift, "bilinear", "constant", 10.0)
    assert_array_equal(got[0, :, :, 0], [[0.5, 1.5, 6], [3.5, 4.5, 7.5]])
