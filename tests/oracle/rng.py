"""Philox4x32, a counter-based random generator: bits = philox(counter, key), with no state.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, the section
on Philox. A round takes the counter (c0, c1, c2, c3) under the key (k0, k1) to

    hi(M1 c2) ^ c1 ^ k0,   lo(M1 c2),   hi(M0 c0) ^ c3 ^ k1,   lo(M0 c0)

where hi and lo are the halves of a 64-bit product; between rounds the key grows by (W0, W1), modulo 2^32.
"""

import numpy as np

M0, M1 = 0xD2511F53, 0xCD9E8D57
W0, W1 = 0x9E3779B9, 0xBB67AE85  # the golden ratio and sqrt(3) - 1, times 2^32
MASK = 0xFFFFFFFF


def philox4x32(counter, key, rounds=10):
    """Random uint32 (..., 4), from the 32-bit words of counter (..., 4) and key (..., 2); leading axes broadcast."""
    c0, c1, c2, c3 = np.moveaxis(np.asarray(counter, np.uint64), -1, 0)
    k0, k1 = np.moveaxis(np.asarray(key, np.uint64), -1, 0)
    for _ in range(rounds):
        p0, p1 = c0 * np.uint64(M0), c2 * np.uint64(M1)
        c0, c1, c2, c3 = _hi(p1) ^ c1 ^ k0, _lo(p1), _hi(p0) ^ c3 ^ k1, _lo(p0)
        k0, k1 = _lo(k0 + np.uint64(W0)), _lo(k1 + np.uint64(W1))
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1).astype(np.uint32)


def _hi(product):
    return product >> np.uint64(32)


def _lo(product):
    return product & np.uint64(MASK)
