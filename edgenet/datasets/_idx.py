"""IDX, the file format of MNIST and its kin.

    byte  0 1     zero
          2       element type; 8 is unsigned byte, the only one read here
          3       number of axes
          4 …     one big-endian uint32 an axis: its length
          then    the elements, last axis fastest

Source: the page of the MNIST database, Y. LeCun, C. Cortes and C. Burges, http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from edgenet.datasets._files import Remote, locate

Bytes = NDArray[np.uint8]

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

_MOST_BYTES = 1 << 28  # five times the MNIST training set: what a header may claim before we disbelieve it
_BLOCK_BYTES = 1 << 20


def load_idx_set(
    dataset: str, path: str | os.PathLike[str] | None, remotes: tuple[Remote, ...]
) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Load the four files of an MNIST-like set: ``(n, 28, 28)`` pictures with ``(n,)`` labels from 0 to 9, twice.

    Raises:
        FileNotFoundError: as ``locate``.
        ValueError: a file is damaged, or pictures and labels do not belong together.
    """
    expected = ", ".join(STEMS) + " (each with or without .gz)"
    train_x, train_y, test_x, test_y = locate(dataset, path, _find, expected, remotes)
    return _read_split(train_x, train_y), _read_split(test_x, test_y)


def _find(folder: Path) -> list[Path] | None:
    """The four files in the order of STEMS, unpacked ones first; None where one is missing."""
    choices = [[folder / stem, folder / f"{stem}.gz"] for stem in STEMS]
    found = [next((file for file in pair if file.is_file()), None) for pair in choices]
    present = [file for file in found if file is not None]
    return present if len(present) == len(STEMS) else None


def _read_split(image_file: Path, label_file: Path) -> tuple[Bytes, Bytes]:
    images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    if images.shape[1:] != (28, 28):
        raise ValueError(f"{image_file}: pictures are {images.shape[1]}×{images.shape[2]}, expected 28×28.")
    if len(images) != len(labels):
        raise ValueError(
            f"{image_file} holds {len(images)} pictures, but {label_file} holds {len(labels)} labels; take both from "
            f"the same set."
        )
    if labels.max() > 9:
        raise ValueError(f"{label_file}: there is a label {labels.max()}, expected 0 to 9.")
    return images, labels


def read_idx(path: Path, ndim: int) -> Bytes:
    """Read an IDX file of unsigned bytes, gzip-packed or not.

    Args:
        path: the file; whether it is packed is seen from its first bytes, not from its name.
        ndim: how many axes it must have.

    Returns:
        The array, with the shape the file states.

    Raises:
        ValueError: the file is not such a file, or its length is not what its header says.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _read_open(file, path, ndim)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read_open(unpacked, path, ndim)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: the gzip data is damaged or cut short ({error}); get the file anew.") from error


def _read_open(file: IO[bytes] | gzip.GzipFile, path: Path, ndim: int) -> Bytes:
    header = _read_up_to(file, 4 + 4 * ndim)
    magic = bytes([0, 0, 8, ndim])
    if header[:4] != magic:
        raise ValueError(
            f"{path}: starts with the bytes {header[:4].hex(' ') or '(none)'}, expected {magic.hex(' ')}: an IDX file "
            f"of unsigned bytes with {ndim} axes."
        )
    if len(header) < 4 + 4 * ndim:
        raise ValueError(f"{path}: ends within its header, after {len(header)} bytes; get the file anew.")
    shape = struct.unpack(f">{ndim}I", header[4:])
    size = math.prod(shape)
    if not 0 < size <= _MOST_BYTES:
        raise ValueError(f"{path}: claims the shape {shape}, expected between 1 and {_MOST_BYTES} elements.")
    body = _read_up_to(file, size + 1)
    if len(body) != size:
        held = f"only {len(body)} follow" if len(body) < size else "more follow"
        raise ValueError(f"{path}: claims the shape {shape}, which is {size} bytes, but {held}; get the file anew.")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _read_up_to(file: IO[bytes] | gzip.GzipFile, limit: int) -> bytearray:
    """Read in blocks: a single read(limit) would reserve what a lying header claims."""
    body = bytearray()
    while len(body) < limit and (block := file.read(min(_BLOCK_BYTES, limit - len(body)))):
        body += block
    return body
