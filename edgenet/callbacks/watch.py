"""Which figure a callback looks at, and what counts as better."""

from __future__ import annotations

from edgenet.utils.warning import warn

from .callback import Logs

BIGGER_IS_BETTER = (
    "accuracy", "acc", "auc", "precision", "recall", "f1", "_score", "specificity", "sensitivity", "cosine_similarity",
)  # fmt: skip


class Watch:
    """The best value of a figure so far.

    >>> watch = Watch("val_accuracy", "auto", 0.0)
    >>> watch.improved(0.5), watch.improved(0.4), watch.best
    (True, False, 0.5)
    """

    def __init__(self, monitor: str, mode: str, min_delta: float, best: float | None = None) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
        upward = monitor.endswith(BIGGER_IS_BETTER) if mode == "auto" else mode == "max"
        self.monitor, self.min_delta = monitor, abs(min_delta)
        self.sign = 1.0 if upward else -1.0
        self.warned = False
        self.best = -self.sign * float("inf") if best is None else best

    def value(self, logs: Logs | None, who: str) -> float | None:
        """The figure, or None, with a warning, if there is none of that name."""
        value = (logs or {}).get(self.monitor)
        if value is None and not self.warned:
            self.warned = True
            known = ", ".join(logs or {}) or "nothing"
            warn(f"{who}: there is no figure {self.monitor!r}, only {known}")
        return value

    def improved(self, value: float) -> bool:
        """Whether the value beats the best by more than `min_delta`; then it is the best."""
        if self.better(value, self.best):
            self.best = value
            return True
        return False

    def better(self, value: float, other: float) -> bool:
        """Whether the value beats another by more than `min_delta`."""
        return self.sign * (value - other) > self.min_delta
