"""What tests of callbacks share: a small model to train, a callback that notes all calls, one that makes figures up."""

import numpy as np

from edgenet import Input, Sequential, callbacks, layers, optimizers
from edgenet.utils import set_random_seed


def model(rate=0.1, **compile_options):
    set_random_seed(1)
    made = Sequential([Input((3,)), layers.Dense(1)])
    made.compile(optimizers.SGD(rate), "mse", **compile_options)
    return made


def samples(n=20):
    x = np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)
    return x, x.sum(axis=1)


class Log(callbacks.Callback):
    """Every call with its arguments."""

    def __init__(self):
        self.calls = []


for _name in [n for n in vars(callbacks.Callback) if n.startswith("on_")]:
    setattr(Log, _name, lambda self, *args, name=_name: self.calls.append((name, *args)))


class Feed(callbacks.Callback):
    """Replaces a figure by given values."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
