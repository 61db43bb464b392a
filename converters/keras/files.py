"""Files of Keras, opened: what is said in them, and where the weights lie.

    .keras   a zip archive of config.json, metadata.json and model.weights.h5
    .h5      HDF5 with the attributes model_config, training_config, and the group model_weights

Only members of these names are read, into memory or a nameless temporary file; nothing is unpacked, nothing is run.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .hdf5 import LARGEST_RATIO, Group, h5py, open_hdf5
from .network import DamagedError

LARGEST_CONFIG_BYTES = 64 << 20
#: how far an archive may blow up: less than this is harmless
HARMLESS_BYTES = 16 << 20
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
#: the version of the format that is written
KERAS_VERSION = "3.0.0"


@dataclass
class Contents:
    """What a file holds."""

    weights: Group
    legacy: bool
    """whether the weights are laid out as in `.h5` files"""
    version: int
    """1, 2 or 3"""
    backend: str | None = None
    config: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Contents]:
    """The contents of a file while it is open.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedError: if it is no file of Keras.
    """
    with open(path, "rb") as file:
        head = file.read(8)
        file.seek(0)
        if head.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive, tempfile.TemporaryFile() as copy:
                yield _archive(archive, copy)
        elif head == HDF5_MAGIC:
            yield _hdf5(file)
        else:
            raise DamagedError("it is neither a zip archive (.keras) nor HDF5 (.h5)")


def _archive(archive: zipfile.ZipFile, copy: Any) -> Contents:
    names = archive.namelist()
    if "config.json" not in names or "model.weights.h5" not in names:
        missing = "sharded weights" if "model.weights.json" in names else "config.json or model.weights.h5"
        raise DamagedError(f"the archive lacks {missing}" if "sharded" not in missing else f"{missing} are not read")
    told = _json(_member(archive, "config.json", LARGEST_CONFIG_BYTES), "config.json")
    metadata = _json(_member(archive, "metadata.json", 1 << 20), "metadata.json") if "metadata.json" in names else {}
    info = archive.getinfo("model.weights.h5")
    _no_bomb(info)
    with archive.open(info) as member:
        while piece := member.read(1 << 20):
            copy.write(piece)
    copy.flush()
    copy.seek(0)
    training = told.get("compile_config")
    return Contents(
        open_hdf5(copy), False, _version(metadata.get("keras_version", "3")), None, told,
        training if isinstance(training, Mapping) else None,
    )  # fmt: skip


def _hdf5(file: Any) -> Contents:
    root = open_hdf5(file)
    config = root.text("model_config")
    training = root.text("training_config")
    inside = root.get("model_weights")
    weights = inside or root
    stated = root.text("keras_version") or weights.text("keras_version")
    modern = config is None and inside is None and "layers" in root.names() and not root.texts("layer_names")
    return Contents(
        weights, not modern, 3 if modern else _version(stated or "1"), weights.text("backend") or root.text("backend"),
        None if config is None else _json(config, "model_config"),
        None if training is None else _json(training, "training_config"),
    )  # fmt: skip


def _no_bomb(info: zipfile.ZipInfo) -> None:
    if info.file_size > HARMLESS_BYTES and info.file_size > LARGEST_RATIO * max(info.compress_size, 1):
        raise DamagedError(f"{info.filename} would unpack from {info.compress_size} to {info.file_size} bytes")


def _member(archive: zipfile.ZipFile, name: str, largest_bytes: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > largest_bytes:
        raise DamagedError(f"{name} has {info.file_size} bytes, more than {largest_bytes}")
    _no_bomb(info)
    return archive.read(info)


def _json(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DamagedError(f"its {what} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise DamagedError(f"its {what} is no dictionary")
    return found


def _version(stated: Any) -> int:
    """The generation of Keras: 1, 2 or 3."""
    first = str(stated).partition(".")[0]
    return min(max(int(first), 1), 3) if first.isdigit() and len(first) < 4 else 3


def written(path: str | os.PathLike[str], fill: Callable[[Path], None]) -> None:
    """Let `fill` write under a temporary name beside `path`, then rename: a crash leaves the old file as it was."""
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    try:
        fill(Path(name))
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # mkstemp keeps others out; an ordinary file does not
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_archive(path: Path, config: Mapping[str, Any], fill: Callable[[Any], None]) -> None:
    """Write a `.keras` archive; `fill` writes the weights into a group of h5py."""
    buffer = io.BytesIO()
    with h5py().File(buffer, "w") as file:
        fill(file)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": KERAS_VERSION}))
        archive.writestr("config.json", json.dumps(config, allow_nan=False))
        archive.writestr("model.weights.h5", buffer.getbuffer())


def write_hdf5(path: Path, attributes: Mapping[str, Any], fill: Callable[[Any], None], group: str | None) -> None:
    """Write an `.h5` file with attributes; `fill` writes the weights into a group of it, or into its root."""
    with h5py().File(path, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        fill(file if group is None else file.create_group(group))
