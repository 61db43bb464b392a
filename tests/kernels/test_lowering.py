"""Loops and divisions of integers, as kernels have them, beside Python's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgenet.kernels.compiler import InOutI64, device, i64, kernel

NUMBERS = [-(1 << 40), -7, -3, -2, -1, 0, 1, 2, 3, 7, 1 << 40]


@kernel
def divided(y: InOutI64, n: i64, lo: i64, hi: i64):
    for i in range(lo, hi):
        y[2 * n + i], y[3 * n + i] = y[i] // y[n + i], y[i] % y[n + i]


def test_quotients_are_rounded_down():
    pairs = [(a, b) for a, b in itertools.product(NUMBERS, NUMBERS) if b]
    a, b = np.array(pairs).T
    y = np.concatenate([a, b, 0 * a, 0 * a])
    divided(y, len(a), tasks=len(a))
    np.testing.assert_array_equal(y[2 * len(a) :], [p // q for p, q in pairs] + [p % q for p, q in pairs])


@kernel
def steps(y: InOutI64, start: i64, stop: i64, step: i64, lo: i64, hi: i64):
    n = 1
    for i in range(start, stop, step):
        y[n] = i
        n += 1
    for i in range(start, stop):
        y[n] = i
        n += 1
    for i in range(stop):
        y[n] = i
        n += 1
    y[0] = n - 1


@pytest.mark.parametrize("step", [-5, -2, -1, 1, 2, 5])
def test_ranges(step):
    for start, stop in itertools.product([-4, -1, 0, 1, 6], repeat=2):
        y = np.zeros(64, np.int64)
        steps(y, start, stop, step, tasks=1)
        want = [*range(start, stop, step), *range(start, stop), *range(stop)]
        assert y[: 1 + y[0]].tolist() == [len(want), *want]


@device
def swapped(pair, turn):
    if turn == 0:
        return pair
    return pair[1], pair[0]


@kernel
def pairs(y: InOutI64, lo: i64, hi: i64):
    for i in range(lo, hi):
        a, b = swapped(swapped((y[2 * i], y[2 * i + 1]), i % 2), 1)
        y[2 * i], y[2 * i + 1] = a, b


def test_functions_return_tuples():
    y = np.arange(8)
    pairs(y, tasks=4)
    assert y.tolist() == [1, 0, 2, 3, 5, 4, 6, 7]
