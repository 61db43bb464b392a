"""One step of an optimizer over a flat vector of weights w with gradient g, as Keras 3 takes it; and dropout.

    sgd       w' = w - lr g
    momentum  m' = momentum m - lr g,  w' = w + m'                  (nesterov: w' = w + momentum m' - lr g)
    adam      m' = m + (1 - beta_1)(g - m),  v' = v + (1 - beta_2)(g² - v)
              w' = w - alpha m' / (sqrt(v') + epsilon)   with   alpha = lr sqrt(1 - beta_2^step) / (1 - beta_1^step)

Adam is Kingma and Ba 2015 (arXiv:1412.6980) in the form just before section 2.1, whose epsilon stands outside the bias
correction.  The formulas of the others stand at their functions.
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


def amsgrad(w, g, m, v, h, step, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """(w', m', v', h'): Adam which divides by the root of h, the largest v so far."""
    w, g, m, v = wide(w), wide(g), wide(m), wide(v)
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
    h = np.maximum(wide(h), v)
    alpha = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return w - alpha * m / (np.sqrt(h) + epsilon), m, v, h


def adamax(w, g, m, u, step, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """(w', m', u'): u' = max(beta_2 u, |g|), w' = w - lr m' / ((1 - beta_1^step) (u' + epsilon))."""
    w, g, m, u = wide(w), wide(g), wide(m), wide(u)
    m, u = beta_1 * m + (1 - beta_1) * g, np.maximum(beta_2 * u, np.abs(g))
    return w - learning_rate * m / ((1 - beta_1**step) * (u + epsilon)), m, u


def nadam(w, g, m, v, product, step, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """(w', m', v', product').

    With mu_t = beta_1 (1 - 0.96^t / 2) and product the one of mu_1 … mu_(t-1):
    m^ = mu_(t+1) m' / (1 - product' mu_(t+1)) + (1 - mu_t) g / (1 - product'),  v^ = v' / (1 - beta_2^t).
    """
    w, g, m, v = wide(w), wide(g), wide(m), wide(v)
    mu = [beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1)]
    product = product * mu[0]
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
    ahead = mu[1] * m / (1 - product * mu[1]) + (1 - mu[0]) * g / (1 - product)
    return w - learning_rate * ahead / (np.sqrt(v / (1 - beta_2**step)) + epsilon), m, v, product


def rmsprop(w, g, v, p=None, a=None, *, learning_rate=0.001, rho=0.9, momentum=0.0, centered=False, epsilon=1e-7):
    """(w', v', p', a'): v' = rho v + (1 - rho) g², less a'² if centered; d = lr g / sqrt(v' + epsilon)."""
    w, g = wide(w), wide(g)
    v = rho * wide(v) + (1 - rho) * g**2
    spread = v
    if centered:
        a = rho * wide(a) + (1 - rho) * g
        spread = v - a**2
    d = learning_rate * g / np.sqrt(spread + epsilon)
    if momentum:
        d = p = momentum * wide(p) + d
    return w - d, v, p, a


def adagrad(w, g, s, *, learning_rate=0.001, epsilon=1e-7):
    """(w', s'): s' = s + g², w' = w - lr g / sqrt(s' + epsilon)."""
    w, g = wide(w), wide(g)
    s = wide(s) + g**2
    return w - learning_rate * g / np.sqrt(s + epsilon), s


def adadelta(w, g, s, u, *, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    """(w', s', u'): d = g sqrt(u + epsilon) / sqrt(s' + epsilon); s and u are running means of g² and d²."""
    w, g, u = wide(w), wide(g), wide(u)
    s = rho * wide(s) + (1 - rho) * g**2
    d = g * np.sqrt(u + epsilon) / np.sqrt(s + epsilon)
    return w - learning_rate * d, s, rho * u + (1 - rho) * d**2


def ftrl(w, g, n, z, *, learning_rate=0.001, power=-0.5, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    """(w', n', z'), of McMahan et al. 2013, where w' is the solution of a problem with penalties l1 and l2."""
    w, g, n = wide(w), wide(g), wide(n)
    new = n + g**2
    sigma = (new**-power - n**-power) / learning_rate
    z = wide(z) + g + 2 * shrinkage * w - sigma * w
    w = (np.clip(z, -l1, l1) - z) / (new**-power / learning_rate + 2 * (l2 + beta / (2 * learning_rate)))
    return w, new, z


def lion(w, g, m, *, learning_rate=0.001, beta_1=0.9, beta_2=0.99):
    """(w', m'): w' = w - lr sign(beta_1 m + (1 - beta_1) g), m' = beta_2 m + (1 - beta_2) g."""
    w, g, m = wide(w), wide(g), wide(m)
    return w - learning_rate * np.sign(beta_1 * m + (1 - beta_1) * g), beta_2 * m + (1 - beta_2) * g


def decay(w, *, learning_rate, rate):
    """w - lr rate w."""
    return wide(w) - learning_rate * rate * wide(w)


def average(a, w, step, *, momentum=0.99):
    """momentum a + (1 - momentum) w; w itself at step 0."""
    return momentum * wide(a) + (1 - momentum) * wide(w) if step else wide(w)


def clip_norm(parts, norm):
    """Each part, scaled to a Euclidean norm of at most `norm`."""
    return [wide(g) * norm / max(np.sqrt(np.sum(wide(g) ** 2)), norm) for g in parts]


def norms(w, axis):
    """Euclidean norms along an axis or a list of them, which stay as axes of size 1."""
    return np.sqrt(np.sum(wide(w) ** 2, axis=axis if isinstance(axis, int) else tuple(axis), keepdims=True))


def min_max_norm(w, low, high, axis, rate=1.0):
    """w, its norm n moved by the share `rate` of the way to the nearest number in [low, high]; 1e-7 is added to n."""
    n = norms(w, axis)
    return wide(w) * (rate * np.clip(n, low, high) + (1 - rate) * n) / (n + 1e-7)


def unit_norm(w, axis):
    """w / (n + 1e-7), n being its norm."""
    return wide(w) / (norms(w, axis) + 1e-7)


def orthogonal(w, factor, mode):
    """factor times the mean of |cos| of the angles between all pairs of rows, or columns."""
    rows = wide(w) if mode == "rows" else wide(w).T
    pairs = [(a, b) for i, a in enumerate(rows) for b in rows[:i]]
    return factor * np.mean([abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs])


def dropout(x, keep, rate):
    """x / (1 - rate) where keep is true, else 0, which leaves the expectation as it was. Also the gradient, from dy."""
    return np.where(keep, wide(x) / (1 - rate), 0)
