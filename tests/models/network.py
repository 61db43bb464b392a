"""Two small networks in NumPy and float64, with the gradients of their weights: what a training step must do.

    mlp  dense relu dense                         weights (w1, b1, w2, b2)
    cnn  conv3×3 same relu, max pool 2×2, flatten, dense    weights (w1, b1, w2, b2)

Both end in logits, whose loss is the sparse cross entropy.
"""

import numpy as np

from oracle import activation, conv, gemm, loss, pool, update

SAME = {"padding": ((1, 1), (1, 1))}


def mlp(weights, x, labels):
    """Loss and gradients."""
    w1, b1, w2, b2 = weights
    z = gemm.dense(x, w1, b1)
    h = activation.relu(z)
    logits = gemm.dense(h, w2, b2)
    dy = loss.sparse_categorical_crossentropy_dx(labels, logits, from_logits=True)
    dz = activation.relu_dx(gemm.dense_dx(dy, w2), z)
    value = loss.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    return value, [gemm.dense_dw(x, dz), gemm.dense_db(dz), gemm.dense_dw(h, dy), gemm.dense_db(dy)]


def cnn(weights, x, labels):
    """Loss and gradients."""
    w1, b1, w2, b2 = weights
    z = conv.conv2d(x, w1, b1, **SAME)
    a = activation.relu(z)
    h = pool.max_pool2d(a, (2, 2))
    f = h.reshape(len(h), -1)
    logits = gemm.dense(f, w2, b2)
    dy = loss.sparse_categorical_crossentropy_dx(labels, logits, from_logits=True)
    df = gemm.dense_dx(dy, w2).reshape(h.shape)
    dz = activation.relu_dx(pool.max_pool2d_dx(df, a, (2, 2)), z)
    value = loss.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    return value, [conv.conv2d_dw(x, dz, w1.shape, **SAME), conv.conv2d_db(dz), gemm.dense_dw(f, dy), gemm.dense_db(dy)]


class Sgd:
    """Gradient descent on a list of weights."""

    def __init__(self, **options):
        self.options, self.m = options, None

    def step(self, weights, grads):
        """The new weights."""
        self.m = self.m or [np.zeros(w.shape) for w in weights]
        pairs = [update.sgd(w, g, m, **self.options) for w, g, m in zip(weights, grads, self.m, strict=True)]
        self.m = [m for _, m in pairs]
        return [w for w, _ in pairs]


class Adam:
    """Adam on a list of weights."""

    def __init__(self, **options):
        self.options, self.slots, self.t = options, None, 0

    def step(self, weights, grads):
        """The new weights."""
        self.t += 1
        self.slots = self.slots or [(np.zeros(w.shape), np.zeros(w.shape)) for w in weights]
        triples = [
            update.adam(w, g, m, v, self.t, **self.options)
            for w, g, (m, v) in zip(weights, grads, self.slots, strict=True)
        ]
        self.slots = [(m, v) for _, m, v in triples]
        return [w for w, _, _ in triples]


class Rmsprop:
    """RMSprop on a list of weights, epsilon under the root."""

    def __init__(self, learning_rate=0.001, rho=0.9, epsilon=1e-7):
        self.rate, self.rho, self.epsilon, self.v = learning_rate, rho, epsilon, None

    def step(self, weights, grads):
        """The new weights."""
        self.v = self.v or [np.zeros(w.shape) for w in weights]
        self.v = [self.rho * v + (1 - self.rho) * g**2 for v, g in zip(self.v, grads, strict=True)]
        return [w - self.rate * g / np.sqrt(v + self.epsilon) for w, g, v in zip(weights, grads, self.v, strict=True)]
