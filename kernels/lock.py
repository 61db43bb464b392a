"""A lock that a forked child can take, whoever held it in the parent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Lock:
    """For ``with`` statements.  A child of a fork gets a fresh lock: the thread that held it does not exist there.

    >>> with Lock():
    ...     pass
    """

    def __init__(self, make: Callable[[], Any] = threading.Lock) -> None:
        self._make = make
        self._renew()

    def _renew(self) -> None:
        self._lock, self._pid = self._make(), os.getpid()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._renew()
        self._lock.acquire()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()
