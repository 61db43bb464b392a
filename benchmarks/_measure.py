"""How the benchmarks measure: contestants side by side, in interleaved rounds, with their outputs compared.

One round measures every contestant once; the order turns from round to round.  Before each of them the machine is left
alone for `SETTLE_S`: the idle threads of onnxruntime (and of OpenMP, which PyTorch uses) keep spinning for tens of
milliseconds after a run, and would take a core from whoever runs next, which on two cores is half of the machine.  Then
come a few unmeasured runs, which wake this contestant's own threads and fill the caches, then the measured ones::

    round 1:  wait  warm up  ▓▓▓ edgenet ▓▓▓   wait  warm up  ▓▓▓ onnxruntime ▓▓▓
    round 2:  wait  warm up  ▓▓▓ onnxruntime ▓▓▓   wait  warm up  ▓▓▓ edgenet ▓▓▓
    …

A time is the median over the rounds.  A *ratio* is the peer's time by edgenet's, above 1 where edgenet is faster: the
median of the ratios within the rounds, so that what slows a machine down for a second touches both sides of a fraction.
Ratios are what may be quoted, together with the machine; absolute times are printed to read along.  "best" is the
ratio of the best rounds, and "spread" tells how far to trust a line.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the checkout that this file stands in is measured, installed or not

#: seconds that the machine is left alone before a contestant
SETTLE_S = 0.12
#: seconds that the measured runs of one contestant take together in one round, at least one run
WINDOW_S = 0.02
#: unmeasured runs before the measured ones, and the share of `WINDOW_S` that they take at least
WARM_RUNS, WARM_SHARE = 3, 0.25
#: outputs may differ by this much of their largest number (at least 1)
AGREE = 1e-3


@dataclass
class Pace:
    """How long to measure."""

    rounds: int = 7
    window_s: float = WINDOW_S
    settle_s: float = SETTLE_S


@dataclass
class Contestant:
    """Something to run and to time."""

    name: str
    run: Callable[[], Any]
    seconds: list[float] = field(default_factory=list)
    """of one run, one number a round"""

    @property
    def median(self) -> float:
        """Median seconds of one run."""
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        """Seconds of one run in the best round."""
        return min(self.seconds)


def measure(contestants: Sequence[Contestant], pace: Pace) -> None:
    """Fill in the `seconds` of all contestants."""
    repeats = {}
    for c in contestants:
        c.run()  # compiles, packs weights, allocates
        repeats[c.name] = max(1, int(pace.window_s / max(min(_seconds(c) for _ in range(3)), 1e-7)))
        c.seconds.clear()
    order = list(contestants)
    for _ in range(pace.rounds):
        for c in order:
            time.sleep(pace.settle_s)
            _warm_up(c, pace.window_s * WARM_SHARE)
            c.seconds.append(_seconds(c, repeats[c.name]))
        order.append(order.pop(0))


def _seconds(c: Contestant, repeats: int = 1) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    for _ in range(repeats):
        c.run()
    return (time.perf_counter() - start) / repeats


def _warm_up(c: Contestant, seconds: float) -> None:
    end = time.perf_counter() + seconds
    runs = 0
    while runs < WARM_RUNS or time.perf_counter() < end:
        c.run()
        runs += 1
        if runs == 1 and time.perf_counter() > end + 1:  # a run of more than a second warms everything by itself
            return


def ratio(ours: Contestant, theirs: Contestant) -> float:
    """The peer's time by ours, within each round; the median of the rounds."""
    return statistics.median(t / o for o, t in zip(ours.seconds, theirs.seconds, strict=True))


def geometric_mean(numbers: Sequence[float]) -> float:
    """The number that has the same product, were it in place of all."""
    return math.exp(statistics.fmean(map(math.log, numbers)))


def spread(contestants: Sequence[Contestant]) -> float:
    """How much longer the median round took than the best one, of the contestant who varied most.

    On a quiet machine it is a few percent; beyond some 20 % somebody else is at work there, and only "best" tells much.
    """
    return max(c.median / c.best for c in contestants) - 1


def difference(got: Any, wanted: Any) -> float:
    """Largest difference, relative to the largest number wanted (at least 1); infinite where shapes or NaNs differ."""
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    if got.shape != wanted.shape or not np.array_equal(np.isnan(got), np.isnan(wanted)):
        return float("inf")
    return float(np.nanmax(np.abs(got - wanted), initial=0.0) / np.nanmax(np.abs(wanted), initial=1.0))


# the command line -----------------------------------------------------------------------------------------------------


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = available_cores()
    default = "1" if cores == 1 else f"1,{cores}"
    p.add_argument("--threads", default=default, type=_threads, help=f"thread counts, separated by commas ({default})")
    p.add_argument("--rounds", type=int, help="interleaved rounds (7)")
    p.add_argument("--only", default="", metavar="REGEX", help="only the cases whose name matches")
    p.add_argument("--json", type=Path, metavar="FILE", help="write the results and the machine's identity there")
    p.add_argument(
        "--fast", action="store_true", help="tiny cases and short measurements: tries the script, tells nothing"
    )
    return p


def _threads(text: str) -> list[int]:
    counts = [int(t) for t in text.split(",")]
    if not all(1 <= t <= 256 for t in counts):
        raise argparse.ArgumentTypeError(f"expected numbers from 1 to 256, got {text}")
    return counts


def pace(options: argparse.Namespace) -> Pace:
    """How long to measure, by the command line."""
    if options.fast:
        return Pace(options.rounds or 1, window_s=0.001, settle_s=0.0)
    return Pace(options.rounds or Pace.rounds)


def chosen(options: argparse.Namespace, name: str) -> bool:
    """Whether `--only` lets a case through."""
    return re.search(options.only, name) is not None


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Run edgenet, and PyTorch where it is loaded, on this many threads."""
    from edgenet.kernels.parallel import num_threads

    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
    with num_threads(count):
        yield


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
