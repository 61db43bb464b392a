"""Names that nobody knows, and those that may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(given: object, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, upper and lower case aside; None if none is.

    >>> nearest("kernal_size", ["filters", "kernel_size"]), nearest("ADAM", ["sgd", "Adam"]), nearest("x", ["sgd"])
    ('kernel_size', 'Adam', None)
    """
    by_key = {_key(name): name for name in known}
    near = difflib.get_close_matches(_key(str(given)), by_key, 1)
    return by_key[near[0]] if near else None


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """`` (did you mean 'adam'?)``, for an error, or nothing.

    >>> did_you_mean("adamm", ["adam", "sgd"]), did_you_mean("lbfgs", ["adam", "sgd"])
    (" (did you mean 'adam'?)", '')
    """
    near = nearest(given, known)
    return "" if near is None else f" (did you mean {near!r}?)"


def _key(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
