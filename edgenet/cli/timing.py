"""Timing two programs fairly on a machine with few cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

#: threads of a runtime go on spinning after a run, some for tens of milliseconds; the next contestant waits for silence
SILENCE_S = 0.12


class Contestant(NamedTuple):
    """A name and what is to be timed."""

    name: str
    run: Callable[[], object]


def race(contestants: Sequence[Contestant], rounds: int = 5, round_s: float = 0.05) -> dict[str, float]:
    """Median over the turns of the mean seconds of one run of each contestant; see `laps`."""
    return {
        name: float(np.median([turn.mean() for turn in turns]))
        for name, turns in laps(contestants, rounds, round_s).items()
    }


def laps(contestants: Sequence[Contestant], rounds: int, round_s: float) -> dict[str, list[np.ndarray]]:
    """Seconds of every run of each contestant, turn by turn.

    The contestants take turns, so that a change of clock rate or load meets all of them; before each turn there is
    silence, then a few runs that do not count.
    """
    times: dict[str, list[np.ndarray]] = {c.name: [] for c in contestants}
    repeats = {}
    for c in contestants:
        c.run()
        started = time.perf_counter()
        c.run()
        repeats[c.name] = max(3, int(round_s / max(time.perf_counter() - started, 1e-6)))
    for _ in range(rounds):
        for c in contestants:
            time.sleep(SILENCE_S)
            for _ in range(3):
                c.run()
            marks = np.empty(repeats[c.name] + 1)
            marks[0] = time.perf_counter()
            for i in range(repeats[c.name]):
                c.run()
                marks[i + 1] = time.perf_counter()
            times[c.name].append(np.diff(marks))
    return times
