import numpy as np
import pytest
from numpy.testing import assert_array_equal

from oracle.rng import philox4x32

# The known answers of philox4x32 with 10 rounds that its authors publish with their Random123 library.
# The third counter and key are the first digits of pi in base 2^32.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    result = philox4x32(words(counter), words(key))
    assert result.dtype == np.uint32
    assert_array_equal(result, words(expected))


def test_counters_and_keys_broadcast():
    counters, keys = ([words(case[i]) for case in KNOWN] for i in (0, 1))
    table = philox4x32(np.array(counters)[:, None], np.array(keys))
    assert table.shape == (3, 3, 4)
    for i in range(3):
        assert_array_equal(table[i, i], words(KNOWN[i][2]))
        assert_array_equal(table[i, 0], philox4x32(counters[i], keys[0]))
        assert_array_equal(philox4x32(counters[0], keys)[i], table[0, i])


def test_one_round_worked_by_hand():
    # lo(M1 * 2) = 0x19b3d1aae - 2^32 = 0x9b3d1aae, hi = 1; lo(M0 * 1) = M0, hi = 0
    assert_array_equal(philox4x32([1, 4, 2, 8], [16, 32], rounds=1), [1 ^ 4 ^ 16, 0x9B3D1AAE, 8 ^ 32, 0xD2511F53])
