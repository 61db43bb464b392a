"""Bars and lines that show how far a loop is."""

from __future__ import annotations

import functools
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

#: seconds between two drawings of a bar
EVERY_S = 0.1
#: the description holds title, share and figures; the bar takes what they leave of the line, perhaps nothing
BAR = "{desc} |{bar}| {n_fmt}/{total_fmt} {elapsed}"
#: where the number of batches is not known
COUNT = "{desc} | {n_fmt} {elapsed}"
FULL = "█" * 10


def resolve(verbose: Any) -> int:
    """0, 1 or 2 for what a user may say; ``"auto"`` is 1 on a terminal or in a notebook, else 2.

    >>> resolve(True), resolve(2)
    (1, 2)
    """
    if verbose == "auto":
        return 1 if sys.stdout.isatty() or "ipykernel" in sys.modules else 2
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0 (silent), 1 (a bar) or 2 (a line an epoch), got {verbose!r}")
    return int(verbose)


def figures(logs: Mapping[str, float]) -> str:
    """Names and numbers as they are printed.

    >>> figures({"loss": 0.51234, "accuracy": 1.0, "learning_rate": 1e-5})
    'loss: 0.5123 - accuracy: 1.0000 - learning_rate: 1.0000e-05'
    """
    return " - ".join(f"{n}: {_figure(v)}" for n, v in logs.items())


def _figure(value: Any) -> str:
    """A number, or those of an array that has few."""
    if getattr(value, "ndim", 0):
        few = value.ravel()[:5]
        return f"[{' '.join(map(_figure, few))}{' …' if value.size > len(few) else ''}]"
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"


@functools.cache
def tell_compiling() -> None:
    """Say, once in a process, that kernels are being compiled; a bar on the same terminal is drawn anew below."""
    tqdm.write("compiling kernels (once on this machine) …", file=sys.stderr)


def columns() -> int:
    """Width of the terminal; 80 where there is none, or one that does not know its size."""
    return shutil.get_terminal_size((80, 24)).columns


class Progress:
    """Shows one loop over batches: a live bar (verbose 1), one line at its end (1 and 2), or nothing (0)."""

    def __init__(self, verbose: int, title: str, steps: int | None, unit: str = "batch") -> None:
        self.verbose, self.title, self.steps = verbose, title, steps
        #: batches so far
        self.count = 0
        self.started = time.perf_counter()
        #: when the bar is to be drawn again
        self.due = self.started + EVERY_S if verbose == 1 else float("inf")
        self.bar: Any = None
        if verbose == 1:
            options: dict[str, Any] = {"mininterval": 0, "miniters": 1, "leave": True, "ncols": columns() - 1}
            options["bar_format"] = BAR if steps is not None else COUNT
            self.bar = tqdm(total=steps, desc=self._description(0, {}), unit=unit, file=sys.stdout, **options)

    def _description(self, step: int, logs: Mapping[str, float]) -> str:
        """What stands before the bar: the figures come first, for the line may end anywhere."""
        share = [f"{100 * step // self.steps:3d}%"] if self.steps else []
        return " - ".join([self.title, *share, *([figures(logs)] if logs else [])])

    def show(self, step: int, logs: Mapping[str, float]) -> None:
        """Draw the bar after `step` batches."""
        self.count = self.bar.n = step
        self.bar.ncols = columns() - 1
        self.bar.desc = self._description(step, logs)
        self.bar.refresh()
        self.due = time.perf_counter() + EVERY_S

    def trained(self, logs: Mapping[str, float]) -> None:
        """The batches are done; a validation may follow, whose figures come on the same line."""
        if self.bar is not None:
            self.show(self.count, logs)
        self.due = float("inf")

    def close(self, logs: Mapping[str, float]) -> None:
        """Put a line with all figures, however long, in the place of the bar."""
        if not self.verbose:
            return
        if self.bar is not None:
            self.bar.leave = False
            self.bar.close()
        steps = self.steps or self.count
        share = ""
        if self.bar is not None:
            done = self.count / max(steps, 1)
            share = f" - {int(100 * done):3d}%|{FULL[: int(10 * done)]:10}|"
        seconds = time.perf_counter() - self.started
        told = figures(logs)
        line = f"{self.title}{share} - {self.count}/{steps} - {seconds:.1f}s{' - ' + told if told else ''}"
        print(line, flush=True)

    def abandon(self) -> None:
        """End the line of a loop that was interrupted."""
        if self.bar is not None:
            self.bar.close()
