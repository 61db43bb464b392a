"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file under a temporary name beside `path`, renamed to it at the end of the block.

    After an error, or a crash, the file that was there before is there still.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "notes.txt") as file:
    ...     _ = file.write(b"all of it")
    >>> [p.name for p in folder.iterdir()]
    ['notes.txt']
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # mkstemp keeps others out; an ordinary file does not
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
