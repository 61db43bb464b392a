"""Where the steps of a program read its inputs: in memory of its own, or where the caller has them.

A large batch need not be copied before each run: steps that read nothing behind its numbers can get the address of the
caller's array instead, while they run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Value
from edgenet.kernels.compiler import Kernel
from edgenet.kernels.cpu.conv import pad_images

#: kernels that read no number behind those of an image; others read whole vectors
EXACT = (pad_images,)


class Reader(NamedTuple):
    """A word of an argument block that says where an input is read."""

    kernel: Kernel
    word: Any
    """the ctypes integer that lies there"""
    offset: int
    """bytes behind the beginning of the input"""


class Source:
    """An input: its own memory, which begins at `address`, and the words that say where it is read."""

    def __init__(self, value: Value, home: np.ndarray, address: int, readers: Sequence[Reader]) -> None:
        self.home, self.address, self.readers, self.dense = home, address, readers, value.dense
        self._may_lend = self.dense and all(r.kernel in EXACT for r in readers)

    def read_at(self, address: int) -> None:
        """Have the steps read the input at an address."""
        for reader in self.readers:
            reader.word.value = address + reader.offset

    def take(self, array: np.ndarray) -> None:
        """Have the steps read the numbers of an array: there, until `leave`, or else in a copy."""
        alike = type(array) is np.ndarray and array.dtype == self.home.dtype and array.shape == self.home.shape
        if self._may_lend and alike and array.flags.c_contiguous and array.flags.aligned:
            self.read_at(array.ctypes.data)
        else:
            np.copyto(self.home, array, casting="unsafe")

    def leave(self) -> None:
        """Have the steps read what lies in the input's own memory."""
        if self._may_lend:
            self.read_at(self.address)


def reader_of(kernel: Kernel, block: np.ndarray, number: int, base: int) -> Reader:
    """The reader behind argument `number` of a block, which reads an input that begins at `base`."""
    word = ctypes.c_int64.from_address(block.ctypes.data + 8 * number)
    return Reader(kernel, word, word.value - base)
