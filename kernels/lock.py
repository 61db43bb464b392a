"""Locks that a forked child can take, whoever held them in the parent."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

_made: weakref.WeakSet[Any] = weakref.WeakSet()


def Lock(make: Callable[[], Any] = threading.Lock) -> Any:
    """A lock of `threading`, which is free in the child of a fork: the thread that held it does not exist there.

    >>> with Lock():
    ...     pass
    """
    lock = make()
    _made.add(lock)
    return lock


def _renew() -> None:
    for lock in _made:
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
