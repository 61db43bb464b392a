"""Dropout: what it keeps, how often, and that it can be repeated."""

import numpy as np
import pytest
from layers.run import apply, normal, pull
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, layers
from edgenet.graph import Graph, ShapeError
from edgenet.utils import set_random_seed
from tolerance import tolerance

ONES = np.ones((64, 100), np.float32)


def test_inference_changes_nothing():
    x = normal(1, 3, 4)
    graph = Graph()
    value = graph.input((3, 4))
    assert layers.Dropout(0.5)(value) is value
    assert layers.Dropout(0.0)(value, training=True) is value
    assert_array_equal(apply(layers.Dropout(0.5), x), x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_and_scale(rate):
    y = apply(layers.Dropout(rate, seed=1), ONES, training=True)
    kept = y != 0
    assert_allclose(y[kept], 1 / (1 - rate), *tolerance(y.dtype))
    deviation = np.sqrt(rate * (1 - rate) / y.size)
    assert abs(kept.mean() - (1 - rate)) < 5 * deviation


def test_masks_change_with_step_and_seed_and_repeat_otherwise():
    def mask(seed, step):
        return apply(layers.Dropout(0.5, seed=seed), ONES, training=True, step=step) != 0

    assert_array_equal(mask(1, 0), mask(1, 0))
    assert (mask(1, 0) != mask(1, 1)).mean() > 0.4
    assert (mask(1, 0) != mask(2, 0)).mean() > 0.4


def test_two_calls_in_one_step_have_two_masks():
    layer = layers.Dropout(0.5, seed=1)
    a, b = (apply(f, ONES, training=True) for f in (layer, lambda x, training: layer(layer(x, training), training)))
    assert 0.15 < (b != 0).mean() < 0.35  # half of a half
    assert (b[a == 0] == 0).all()


def test_the_library_s_seed_repeats_masks():
    masks = []
    for seed in (5, 5, 6):
        set_random_seed(seed)
        masks.append(apply(layers.Dropout(0.5), ONES, training=True))
    assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()


def test_gradient_passes_where_the_value_passes():
    layer = layers.Dropout(0.5, seed=3)
    y = apply(layer, ONES, training=True, step=4)
    (dx,) = pull(layer, ONES, dy=ONES, step=4)
    assert_array_equal(dx, y)


def test_noise_shape():
    y = apply(layers.Dropout(0.5, noise_shape=(None, 1), seed=1), ONES, training=True)
    assert_array_equal(y, np.repeat(y[:, :1], 100, axis=1))
    assert 0 < (y[:, 0] != 0).sum() < 64


def test_spatial():
    x = np.ones((4, 3, 5, 32), np.float32)
    layer = layers.SpatialDropout2D(0.5, seed=1)
    y = apply(layer, x, training=True)
    assert_array_equal(y, np.broadcast_to(y[:, :1, :1], x.shape))
    assert 0.3 < (y != 0).mean() < 0.7
    assert_array_equal(pull(layer, x, dy=x)[0], y)


def test_errors():
    for rate in (-0.1, 1.0, 2):
        with pytest.raises(ValueError, match=f"Dropout: rate must be at least 0 and less than 1, got {rate}"):
            layers.Dropout(rate)
    with pytest.raises(ValueError, match="Dropout: seed must be an integer of at least 0, got -1"):
        layers.Dropout(0.5, seed=-1)
    with pytest.raises(ShapeError, match=r"noise_shape=\(2, 1\) does not broadcast to x of shape \(64, 100\)"):
        apply(layers.Dropout(0.5, noise_shape=(2, 1)), ONES, training=True)
    assert layers.Dropout(0.5)(Input((3,))).shape == (None, 3)
