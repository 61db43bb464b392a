"""CIFAR-10: small colour photographs of ten kinds of things.

The set is published in two versions, six files each. In the binary one a picture is a record of 3073 bytes: its label,
then 1024 bytes each of red, green and blue, row by row. The Python one is six pickles, each a dict of ``data``
``(n, 3072)`` uint8 (a row as above, less the label) and ``labels``. Both are read; the download is the binary one. The
pickles are read by ``_pickled``, which runs nothing that they say.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgenet.datasets._files import Remote, locate
from edgenet.datasets._pickled import as_uint8_matrix, read_pickle

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

Bytes = NDArray[np.uint8]

_BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
_MOST_BYTES = 1 << 26  # twice a batch of either version: what a file may hold before we disbelieve it
_PIXELS = 3 * 32 * 32
_REMOTES = (
    Remote(
        "cifar-10-binary.tar.gz",
        170052171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ("https://www.cs.toronto.edu/~kriz/",),
    ),
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Load 50000 training and 10000 test pictures of ten kinds of things, 32×32, in colour.

    Args:
        path: a folder (or the parent of a folder ``cifar10``) with ``cifar-10-binary.tar.gz``, the folder
            ``cifar-10-batches-bin`` unpacked from it, or the same of the Python version, ``cifar-10-python.tar.gz`` and
            ``cifar-10-batches-py``; also one of the two unpacked folders itself. Left out, the set is taken from the
            cache folder, and downloaded into it the first time; see ``edgenet.datasets``.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: pictures ``(n, 32, 32, 3)`` uint8, NHWC, red first, and labels
        ``(n, 1)`` uint8 which index ``CLASS_NAMES``.

    Raises:
        FileNotFoundError: the files are not there and cannot be downloaded.
        ValueError: a file is damaged, or a pickle asks for anything but the arrays of this set.

    Example:
        >>> from edgenet.datasets import cifar10
        >>> (x_train, y_train), (x_test, y_test) = cifar10.load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((50000, 32, 32, 3), (50000, 1))
        >>> cifar10.CLASS_NAMES[6]
        'frog'
    """
    expected = " or ".join(f"{version.archive} or the folder {version.folder}" for version in _VERSIONS)
    source, version = locate("cifar10", path, _find, expected, _REMOTES)
    files = _read_archive(source, version) if source.is_file() else _read_folder(source, version)
    parse = _parse_binary if version.suffix else _parse_pickle
    batches = [_checked(*parse(files.pop(name), f"{source}: {name}"), f"{source}: {name}") for name in version.files]
    x = [images for images, _ in batches]
    y = [labels for _, labels in batches]
    return (np.concatenate(x[:5]), np.concatenate(y[:5])), (x[5], y[5])


@dataclass(frozen=True)
class _Version:
    archive: str
    folder: str
    suffix: str

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(name + self.suffix for name in _BATCHES)


_VERSIONS = (
    _Version("cifar-10-binary.tar.gz", "cifar-10-batches-bin", ".bin"),
    _Version("cifar-10-python.tar.gz", "cifar-10-batches-py", ""),
)


def _find(folder: Path) -> tuple[Path, _Version] | None:
    """An unpacked folder or an archive, the binary version first; None where there is neither in full."""
    for version in _VERSIONS:
        for source in (folder / version.folder, folder):
            if all((source / name).is_file() for name in version.files):
                return source, version
        if (folder / version.archive).is_file():
            return folder / version.archive, version
    return None


def _read_folder(folder: Path, version: _Version) -> dict[str, bytes]:
    for name in version.files:
        _believe_size(f"{folder}: {name}", (folder / name).stat().st_size)
    return {name: (folder / name).read_bytes() for name in version.files}


def _read_archive(archive: Path, version: _Version) -> dict[str, bytes]:
    """Read the six files out of the archive; nothing is unpacked to disk, and paths inside are not used."""
    import tarfile

    files: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = member.name.rpartition("/")[2]
                if name in version.files and member.isreg():
                    _believe_size(f"{archive}: {name}", member.size)
                    content = tar.extractfile(member)
                    files[name] = content.read() if content is not None else b""
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(f"{archive}: the archive is damaged or cut short ({error}); get the file anew.") from error
    if missing := [name for name in version.files if name not in files]:
        raise ValueError(f"{archive}: lacks {', '.join(missing)}; get the file anew.")
    return files


def _believe_size(what: str, size_bytes: int) -> None:
    if size_bytes > _MOST_BYTES:
        raise ValueError(f"{what} has {size_bytes} bytes, expected at most {_MOST_BYTES}.")


def _parse_binary(data: bytes, what: str) -> tuple[Bytes, Bytes]:
    """Split records into pixels ``(n, 3072)`` and labels ``(n,)``."""
    if not data or len(data) % (1 + _PIXELS):
        raise ValueError(f"{what} has {len(data)} bytes, expected a multiple of {1 + _PIXELS}; get the file anew.")
    records = np.frombuffer(data, np.uint8).reshape(-1, 1 + _PIXELS)
    return records[:, 1:], records[:, 0]


def _parse_pickle(data: bytes, what: str) -> tuple[Bytes, Bytes]:
    """Take pixels ``(n, 3072)`` and labels ``(n,)`` out of a pickled batch."""
    try:
        batch = read_pickle(data)
        if not isinstance(batch, dict) or not {"data", "labels"} <= batch.keys():
            raise ValueError("expected a dict with data and labels")
        pixels, labels = as_uint8_matrix(batch["data"]), batch["labels"]
        if not (isinstance(labels, list) and all(type(label) is int and 0 <= label <= 255 for label in labels)):
            raise ValueError("the labels are no list of small whole numbers")
    except ValueError as error:
        raise ValueError(f"{what}: {error}. Get the file anew, or take cifar-10-binary.tar.gz.") from error
    return pixels, np.array(labels, np.uint8)


def _checked(pixels: Bytes, labels: Bytes, what: str) -> tuple[Bytes, Bytes]:
    """Check one batch and turn it into pictures ``(n, 32, 32, 3)`` and labels ``(n, 1)``."""
    if pixels.shape != (len(labels), _PIXELS):
        raise ValueError(f"{what}: {len(labels)} labels, but pixels {pixels.shape}, expected {(len(labels), _PIXELS)}.")
    if labels.max() > 9:
        raise ValueError(f"{what}: there is a label {labels.max()}, expected 0 to 9.")
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.array(images, order="C"), np.array(labels[:, None])
