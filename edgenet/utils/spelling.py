"""Names that nobody knows, and those that may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(given: object, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, upper and lower case aside; None if none is.

    >>> nearest("kernal_size", ["filters", "kernel_size"]), nearest("Adma", ["adamax", "adam"]), nearest("x", ["sgd"])
    ('kernel_size', 'adam', None)
    """
    by_key, key = {_key(name): name for name in known}, _key(str(given))
    near = difflib.get_close_matches(key, by_key, 3)
    # difflib counts the letters in common, so that "adma" would be nearer to "adamax" than to "adam"
    best = max(
        near, key=lambda n: difflib.SequenceMatcher(a=n, b=key).ratio() - 0.05 * abs(len(n) - len(key)), default=""
    )
    return by_key.get(best)


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """`` (did you mean 'adam'?)``, for an error, or nothing.

    >>> did_you_mean("adamm", ["adam", "sgd"]), did_you_mean("lbfgs", ["adam", "sgd"])
    (" (did you mean 'adam'?)", '')
    """
    near = nearest(given, known)
    return "" if near is None else f" (did you mean {near!r}?)"


def _key(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
