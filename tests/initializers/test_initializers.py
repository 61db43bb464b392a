"""Initial weights: their limits, their moments, their names, their seeds."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import initializers
from edgenet.utils import set_random_seed
from tolerance import tolerance

NAMES = [
    "zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal", "glorot_uniform",
    "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "orthogonal", "identity",
    "variance_scaling",
]  # fmt: skip
SHAPE = (5, 5, 40, 60)  # fan_in 1000, fan_out 1500
N = math.prod(SHAPE)
# of a standard normal distribution cut at ±2: 1 - 4 φ(2) / (2 Φ(2) - 1)
CUT_VARIANCE = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))


@pytest.mark.parametrize("name", NAMES)
def test_every_name(name):
    made = initializers.get(name)
    array = made((4, 4))
    assert array.dtype == np.float32
    assert array.shape == (4, 4)
    assert array.flags.writeable
    again = initializers.get(initializers.serialize(made))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()
    assert type(initializers.get(type(made).__name__)) is type(made)
    assert type(initializers.get(type(made))) is type(made)
    assert getattr(initializers, name) is type(made)


@pytest.mark.parametrize(("shape", "limit"), [((3, 3, 3, 32), 0.138013), ((784, 500), 0.068359)])
def test_glorot_limit_by_hand(shape, limit):
    w = initializers.GlorotUniform(seed=0)(shape)
    assert np.abs(w).max() <= limit + 1e-6
    assert np.abs(w).max() > 0.98 * limit


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 4), (3, 4)), ((3, 5, 7, 11), (105, 165)), ((3, 3, 8, 1), (72, 9))],
)
def test_fans(shape, fans):
    assert initializers.compute_fans(shape) == fans


@pytest.mark.parametrize(
    ("name", "variance", "limit"),
    [
        ("glorot_uniform", 2 / 2500, math.sqrt(6 / 2500)),
        ("he_uniform", 2 / 1000, math.sqrt(6 / 1000)),
        ("lecun_uniform", 1 / 1000, math.sqrt(3 / 1000)),
        ("glorot_normal", 2 / 2500, 2 * math.sqrt(2 / 2500 / CUT_VARIANCE)),
        ("he_normal", 2 / 1000, 2 * math.sqrt(2 / 1000 / CUT_VARIANCE)),
        ("lecun_normal", 1 / 1000, 2 * math.sqrt(1 / 1000 / CUT_VARIANCE)),
        ("random_uniform", 0.1**2 / 12, 0.05),
        ("truncated_normal", 0.05**2 * CUT_VARIANCE, 0.1),
        ("random_normal", 0.05**2, math.inf),
    ],
)
def test_moments(name, variance, limit):
    set_random_seed(1)
    w = initializers.get(name)(SHAPE).astype(np.float64)
    assert abs(w.mean()) < 5 * math.sqrt(variance / N)
    assert_allclose(w.var(), variance, rtol=5 * math.sqrt(2 / N))
    assert np.abs(w).max() <= limit * (1 + 1e-6)
    if limit < math.inf:
        assert np.abs(w).max() > 0.98 * limit


def test_variance_scaling():
    w = initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=2)(SHAPE)
    assert_allclose(w.var(), 3 / 1500, rtol=5 * math.sqrt(2 / N))
    assert np.abs(w).max() > 3 * math.sqrt(3 / 1500)  # not cut
    for arguments, words in (
        ({"scale": 0}, "scale must be positive"),
        ({"mode": "fan"}, "mode must be one of"),
        ({"distribution": "cauchy"}, "distribution must be one of"),
    ):
        with pytest.raises(ValueError, match=f"VarianceScaling: {words}"):
            initializers.VarianceScaling(**arguments)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5), (5, 5)], ids=repr)
def test_orthogonal(shape):
    w = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1])
    small = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    assert_allclose(small, 4 * np.eye(len(small)), *tolerance(np.float32, 64))
    with pytest.raises(ValueError, match="Orthogonal: expected a shape of at least two axes"):
        initializers.Orthogonal()((3,))


def test_constants():
    assert_array_equal(initializers.Constant([1, 2])((3, 2)), [[1, 2]] * 3)
    assert_array_equal(initializers.Identity(3.0)((2, 3)), [[3, 0, 0], [0, 3, 0]])
    with pytest.raises(ValueError, match="Identity makes matrices"):
        initializers.Identity()((3,))
    assert initializers.get(initializers.serialize(initializers.Constant(np.array([1.0, 2.0])))).value == [1.0, 2.0]


def test_seeds():
    make = initializers.GlorotUniform
    assert_array_equal(make(seed=3)((4, 5)), make(seed=3)((4, 5)))
    assert (make(seed=3)((4, 5)) != make(seed=4)((4, 5))).all()
    one = make()
    assert_array_equal(one((4, 5)), one((4, 5)))  # as in Keras 3: an object always gives the same numbers
    assert (one((4, 5)) != make()((4, 5))).all()
    set_random_seed(9)
    a = make()((4, 5))
    set_random_seed(9)
    assert_array_equal(a, make()((4, 5)))
    for seed in (-1, 2.5):
        with pytest.raises(ValueError, match="GlorotUniform: seed must be None or an integer of at least 0"):
            make(seed=seed)


def test_other_ways_to_say_it():
    assert initializers.get(None) is None

    def halves(shape):
        return np.full(shape, 0.5)

    assert initializers.get(halves) is halves
    assert initializers.serialize(halves) == "halves"
    assert repr(initializers.get("uniform")) == "RandomUniform(minval=-0.05, maxval=0.05, seed=None)"
    with pytest.raises(ValueError, match=r"unknown initializer 'xavier'.*: expected one of constant, glorot_normal"):
        initializers.get("xavier")
    with pytest.raises(ValueError, match="unknown initializer class 'Xavier'"):
        initializers.get({"class_name": "Xavier"})
    with pytest.raises(TypeError, match="an initializer is a name"):
        initializers.get(3)


@pytest.mark.parametrize("kind", [initializers.RandomNormal, initializers.RandomUniform, initializers.GlorotUniform])
def test_numbers_drawn_in_pieces_are_those_drawn_at_once(kind, monkeypatch):
    start = kind(seed=3)
    whole = start((5, 7))
    monkeypatch.setattr("edgenet.initializers.initializer.PIECE", 8)
    assert_array_equal(start((5, 7)), whole)


def test_truncated_normal_numbers_drawn_in_pieces(monkeypatch):
    monkeypatch.setattr("edgenet.initializers.initializer.PIECE", 8)
    z = initializers.TruncatedNormal(stddev=1.0, seed=3)((50, 7))
    assert np.abs(z).max() <= 2
    assert len(np.unique(z)) == z.size
