"""HDF5 files of others, read with care: nothing outside of the file is touched, and no array is larger than the file.

h5py is imported when it is needed; without it the message says what to install.
"""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnsupportedModelError
from .network import DamagedError

#: what h5py, zipfile, JSON and NumPy raise on damaged files, ValueError aside
DAMAGE = (
    OSError, KeyError, IndexError, RuntimeError, TypeError, AttributeError, OverflowError, EOFError, MemoryError,
    NotImplementedError, zipfile.BadZipFile, zlib.error, struct.error, AssertionError,
)  # fmt: skip
#: numbers in a file for each that it stores, at most: compressed weights are hardly smaller than plain ones
LARGEST_RATIO = 200
#: how long another process may need to read a file, and what it reads in a second at least
PATIENCE_S, SLOWEST_BYTES_A_SECOND = 60.0, 2e6
PROBE = Path(__file__).with_name("probe.py")


def h5py() -> Any:
    """The package h5py.  Raises ImportError where it is not installed."""
    try:
        import h5py as package
    except ModuleNotFoundError as error:
        if error.name != "h5py":
            raise
        raise ImportError('files of Keras need the package h5py: pip install "edgenet[keras]"') from error
    return package


@contextmanager
def reading(path: Any, what: str = "a model of Keras") -> Iterator[None]:
    """Turn whatever a damaged file raises into a ValueError that names the file, read as `what`."""
    try:
        yield
    except (FileNotFoundError, ImportError, UnsupportedModelError):
        raise
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as {what}: {error}") from None
    except RecursionError:
        raise ValueError(f"{path} cannot be read as {what}: it is nested too deeply") from None
    except DAMAGE as error:
        raise ValueError(
            f"{path} cannot be read as {what}, or is damaged: {type(error).__name__}: {str(error)[:300]}"
        ) from error


def open_hdf5(file: Any) -> Group:
    """The root of an HDF5 file that is open for reading.

    Raises:
        DamagedError: if it is damaged in a way over which the HDF5 library would end the process, or never come back.
    """
    package = h5py()
    _tried_by_another(file)
    return Group(package.File(file, "r"))


def _tried_by_another(file: Any) -> None:
    """Let another process read the file first: the HDF5 library takes much of what a file says on trust.

    One wrong bit in the type of a text is enough for it to read beyond its memory.  Where no other Python can be
    started, the file is trusted.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        return
    patience_s = PATIENCE_S + os.fstat(file.fileno()).st_size / SLOWEST_BYTES_A_SECOND
    command = [sys.executable, "-I", str(PROBE), *sys.path]
    silent = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=file, stdout=silent, stderr=silent, timeout=patience_s, check=False)
    except subprocess.TimeoutExpired:
        raise DamagedError("the HDF5 library does not come to an end with it") from None
    except OSError:
        return
    finally:
        file.seek(0)
    if done.returncode:
        raise DamagedError("the HDF5 library breaks off on it")


class Group:
    """A group of an HDF5 file whose members lie in the file itself."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def _own(self, name: str) -> Any:
        """The member of a name, None if there is none."""
        package = h5py()
        node = self.held
        for step in [s for s in name.split("/") if s]:
            if not isinstance(node, package.Group) or step not in node:
                return None
            if not isinstance(node.get(step, getlink=True), package.HardLink):
                raise DamagedError(f"{name!r} is a link to elsewhere, which is not followed")
            node = node[step]
        return node

    def names(self) -> list[str]:
        """The names of the members."""
        return list(self.held.keys())

    def get(self, name: str) -> Group | None:
        """The group of a name."""
        found = self._own(name)
        return Group(found) if isinstance(found, h5py().Group) else None

    def text(self, name: str) -> str | None:
        """An attribute that is text."""
        if name not in self.held.attrs:
            return None
        value = self.held.attrs[name]
        if isinstance(value, np.ndarray):
            value = value.reshape(-1)[0] if value.size == 1 else None
        if isinstance(value, bytes):
            value = value.decode("utf-8")
        if not isinstance(value, str):
            raise DamagedError(f"its attribute {name!r} is no text")
        return value

    def texts(self, name: str) -> list[str]:
        """An attribute that is a list of texts, also where its length made Keras split it into name0, name1, …."""
        if name in self.held.attrs:
            pieces = [self.held.attrs[name]]
        else:
            pieces = []
            while f"{name}{len(pieces)}" in self.held.attrs:
                pieces.append(self.held.attrs[f"{name}{len(pieces)}"])
        found = [t for piece in pieces for t in np.asarray(piece).reshape(-1).tolist()]
        texts = [t.decode("utf-8") if isinstance(t, bytes) else t for t in found]
        if not all(isinstance(t, str) for t in texts):
            raise DamagedError(f"its attribute {name!r} is no list of names")
        return texts

    def array(self, name: str) -> np.ndarray:
        """The numbers of a dataset.  Raises DamagedError unless they are plain numbers stored in the file."""
        found = self._own(name)
        if found is None or not isinstance(found, h5py().Dataset):
            raise DamagedError(f"the array {self.held.name}/{name} is missing")
        size = checked_size(found)
        array = found[()] if size else np.zeros(found.shape, np.float32)
        return np.asarray(array)

    def numbers(self) -> int:
        """How many numbers all datasets below hold."""
        sizes = []

        def note(_: str, held: Any) -> None:
            if isinstance(held, h5py().Dataset):
                sizes.append(checked_size(held))

        self.held.visititems(note)
        return sum(sizes)


def checked_size(dataset: Any) -> int:
    """The number of numbers of a dataset.

    Raises:
        DamagedError: unless it is an array of plain numbers that the file really holds.
    """
    if dataset.dtype.kind not in "fiub":
        if dataset.dtype.kind in "SO":
            return 0  # names, not weights
        raise DamagedError(f"the array {dataset.name} is of type {dataset.dtype}, which no weight is")
    if dataset.shape is None or dataset.external or dataset.is_virtual:
        raise DamagedError(f"the array {dataset.name} does not lie in the file")
    size: int = math.prod(dataset.shape)
    if size * dataset.dtype.itemsize > LARGEST_RATIO * dataset.id.get_storage_size():
        raise DamagedError(f"the array {dataset.name} of shape {dataset.shape} is larger than what the file stores")
    return size
