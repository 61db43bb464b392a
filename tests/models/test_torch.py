"""A whole training run against PyTorch: live where torch is installed, else against its stored numbers."""

import json

import numpy as np
import pytest
from models import torch_case as case

from edgenet import Input, Sequential, layers, losses, optimizers


@pytest.fixture(scope="module")
def ours():
    """Losses and trained weights of the same run here."""
    weights, x, y = case.data()
    model = Sequential(
        [
            Input((12, 12, 3)),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=case.NORM_MOMENTUM, epsilon=case.NORM_EPSILON),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(12, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    trained = model.trainable_weights
    for variable, start in zip(trained, weights, strict=True):
        variable.assign(start)
    adam = optimizers.Adam(case.RATE, epsilon=case.EPSILON)
    model.compile(adam, losses.SparseCategoricalCrossentropy(from_logits=True))
    steps = [slice(i, i + case.BATCH) for i in range(0, len(x), case.BATCH)]
    return [model.train_on_batch(x[s], y[s]) for s in steps], [v.numpy() for v in trained]


def test_the_stored_numbers_of_torch(ours):
    stored = json.loads(case.STORED.read_text(encoding="utf-8"))
    found = case.digest(*ours)
    assert len(stored["loss"]) == case.STEPS
    for name in stored:
        np.testing.assert_allclose(found[name], stored[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_torch_itself(ours):
    pytest.importorskip("torch")
    their_losses, their_weights = case.train()
    np.testing.assert_allclose(ours[0], their_losses, rtol=1e-4, atol=1e-4)
    for a, b in zip(ours[1], their_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
