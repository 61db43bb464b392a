"""Pictures shaped as those of the courses, which anybody can learn in seconds: each class has a pattern of its own."""

import numpy as np


def _drawn(rng, patterns, labels, noise):
    x = 200.0 * patterns[labels] + rng.normal(0, noise, (len(labels), *patterns.shape[1:]))
    return np.clip(x, 0, 255).astype(np.uint8)


def digits(train=600, test=100, classes=10):
    """(x_train, y_train), (x_test, y_test): uint8 (n, 28, 28) and labels (n,), as MNIST comes."""
    rng = np.random.default_rng(28)
    patterns = np.kron(rng.random((classes, 4, 4)) > 0.5, np.ones((7, 7)))
    y = rng.integers(0, classes, train + test).astype(np.uint8)
    x = _drawn(rng, patterns, y, 30)
    return (x[:train], y[:train]), (x[train:], y[train:])


def photos(train=160, test=40, side=32, classes=10):
    """The same with three channels, and labels (n, 1), as CIFAR-10 comes."""
    rng = np.random.default_rng(32)
    patterns = np.kron(rng.random((classes, 4, 4, 3)) > 0.5, np.ones((side // 4, side // 4, 1)))
    y = rng.integers(0, classes, train + test).astype(np.uint8)
    x = _drawn(rng, patterns, y, 30)
    return (x[:train], y[:train, None]), (x[train:], y[train:, None])
