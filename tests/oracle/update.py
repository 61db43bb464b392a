"""One step of an optimizer over a flat vector of weights w with gradient g, as Keras 3 takes it; and dropout.

    sgd       w' = w - lr g
    momentum  m' = momentum m - lr g,  w' = w + m'                  (nesterov: w' = w + momentum m' - lr g)
    adam      m' = m + (1 - beta_1)(g - m),  v' = v + (1 - beta_2)(g² - v)
              w' = w - alpha m' / (sqrt(v') + epsilon)   with   alpha = lr sqrt(1 - beta_2^step) / (1 - beta_1^step)

Adam is Kingma and Ba 2015 (arXiv:1412.6980) in the form just before section 2.1, whose epsilon stands outside the bias
correction.
"""

import numpy as np

from oracle import wide


def sgd(w, g, m=None, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    """(w', m'). Without momentum m is not used and comes back as it was."""
    w, g = wide(w), wide(g)
    if momentum == 0:
        return w - learning_rate * g, m
    m = momentum * wide(m) - learning_rate * g
    return w + (momentum * m - learning_rate * g if nesterov else m), m


def adam(w, g, m, v, step, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """(w', m', v'). The first step is step 1."""
    w, g, m, v = wide(w), wide(g), wide(m), wide(v)
    alpha = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    m = m + (1 - beta_1) * (g - m)
    v = v + (1 - beta_2) * (g**2 - v)
    return w - alpha * m / (np.sqrt(v) + epsilon), m, v


def dropout(x, keep, rate):
    """x / (1 - rate) where keep is true, else 0, which leaves the expectation as it was. Also the gradient, from dy."""
    return np.where(keep, wide(x) / (1 - rate), 0)
