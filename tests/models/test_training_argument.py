"""``layer(x, training=…)`` in a functional model: what the call says counts, whatever the model does."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet import Input, Model, layers, load_model, optimizers

RNG = np.random.default_rng(0)
X = (RNG.standard_normal((40, 4)) * 9).astype(np.float32)


def fitted(model):
    model.compile(optimizers.SGD(0.0), "mse")
    model.fit(X, np.zeros((40, model.outputs[0].shape[1])), verbose=0)
    return model


@pytest.mark.parametrize("inside", [False, True], ids=["layer", "model used as a layer"])
def test_frozen_statistics(inside):
    norm = layers.BatchNormalization()
    start = Input((4,))
    part = Model(start, norm(start)) if inside else norm
    model = fitted(Model(start, part(start, training=False)))
    assert_array_equal(norm.get_weights()[2], np.zeros(4))
    fitted(Model(start, part(start)))
    assert np.abs(norm.get_weights()[2]).min() > 0
    assert model.predict(X, verbose=0).shape == (40, 4)


def test_dropout_in_prediction(tmp_path):
    start = Input((400,))
    model = Model(start, layers.Dropout(0.5, seed=1)(start, training=True))
    ones = np.ones((2, 400), np.float32)
    first, second = model.predict(ones, verbose=0), model.predict(ones, verbose=0)
    for y in (first, second):
        assert set(np.unique(y)) == {0, 2}
    assert (first != second).any()
    model.save(tmp_path / "m.edgenet")
    again = load_model(tmp_path / "m.edgenet")
    assert (again.predict(ones, verbose=0) == 0).any()


def test_batch_statistics_in_prediction_leave_the_weights_alone():
    norm = layers.BatchNormalization()
    start = Input((4,))
    model = Model(start, norm(start, training=True))
    y = model.predict(X, batch_size=40, verbose=0)
    assert abs(y.mean()) < 1e-5
    assert_array_equal(norm.get_weights()[2], np.zeros(4))
