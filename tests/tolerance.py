"""How far a result may be from its float64 oracle."""

import numpy as np


def tolerance(dtype, k=1):
    """(rtol, atol) for a result in dtype, each number of which is a sum of k products.

    Use it as `assert_allclose(y, oracle, *tolerance(y.dtype, k))`.

    u is the unit roundoff, 2^-24 for float32. Operands are taken to be of order one.

    A sum of k products with random signs passes through partial sums of size sqrt(1), sqrt(2), … sqrt(k). Adding term
    i rounds by at most u sqrt(i); the roundings are as good as independent, so their sum has a standard deviation
    below u sqrt(1 + 2 + … + k), which is u k / sqrt(2) and grows with k. The result itself is of size sqrt(k), so
    relative to it the error grows with sqrt(k). Hence

        rtol = 8 u sqrt(k)      atol = 8 u k

    and 8 stands for the ten standard deviations or so which no one of a million results passes, and for the few
    roundings of what comes after the sum (a bias, an exp good to 2 ulp). It is far from lax: a lost or doubled
    product is an error of order one, above atol for every k below 1 / (8 u), which is two million in float32. A
    kernel that splits the sum does better.

    For positive terms, as in a mean of squares, errors may reach u k relative to the result (Higham, Accuracy and
    Stability of Numerical Algorithms, section 4.2), though a random walk makes them u sqrt(k): the same bounds serve.
    Integers and booleans must be equal.
    """
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        return 0.0, 0.0
    u = float(np.finfo(dtype).eps) / 2
    k = max(k, 1)
    return 8 * u * k**0.5, 8 * u * k
