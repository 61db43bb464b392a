"""Bars and lines that show how far a loop is."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

#: seconds between two drawings of a bar
EVERY_S = 0.1
BAR = "{desc}: {percentage:3.0f}%|{bar:24}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


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


class Progress:
    """Shows one loop over batches: a live bar (verbose 1), one line at its end (2), or nothing (0)."""

    def __init__(self, verbose: int, title: str, steps: int | None, unit: str = "batch") -> None:
        self.verbose, self.title, self.steps = verbose, title, steps
        #: batches so far
        self.count = 0
        self.started = time.perf_counter()
        #: when the bar is to be drawn again
        self.due = self.started + EVERY_S if verbose == 1 else float("inf")
        self.bar: Any = None
        if verbose == 1:
            options: dict[str, Any] = {"mininterval": 0, "miniters": 1, "leave": True, "dynamic_ncols": True}
            if steps is not None:
                options["bar_format"] = BAR
            self.bar = tqdm(total=steps, desc=title, unit=unit, file=sys.stdout, **options)

    def show(self, step: int, logs: Mapping[str, float]) -> None:
        """Draw the bar after `step` batches."""
        self.bar.n = step
        self.bar.set_postfix_str(figures(logs), refresh=True)
        self.due = time.perf_counter() + EVERY_S

    def trained(self, logs: Mapping[str, float]) -> None:
        """The batches are done; a validation may follow, whose figures come on the same line."""
        if self.bar is not None:
            self.show(self.count, logs)
        self.due = float("inf")

    def close(self, logs: Mapping[str, float]) -> None:
        """Show the last figures and end the line."""
        if self.bar is not None:
            self.bar.set_postfix_str(figures(logs), refresh=True)
            self.bar.close()
        elif self.verbose == 2:
            seconds = time.perf_counter() - self.started
            told = figures(logs)
            steps = f"{self.count}/{self.steps or self.count}"
            print(f"{self.title} - {steps} - {seconds:.1f}s{' - ' + told if told else ''}", flush=True)

    def abandon(self) -> None:
        """End the line of a loop that was interrupted."""
        if self.bar is not None:
            self.bar.close()
