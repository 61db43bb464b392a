"""One file of a JSON config and arrays: a zip archive of ``config.json`` and ``.npy`` members, without pickle.

The config says which arrays there are, with dtype and shape; sizes are compared before anything is read, so that a
damaged or hostile file is refused and cannot fill the memory.
"""

from __future__ import annotations

import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgenet.utils.files import replacing

FORMAT, VERSION = "edgenet", 1
CONFIG = "config.json"
LARGEST_CONFIG_BYTES = 64 << 20
#: the header of a .npy member, at most
HEADER_BYTES = 4096
#: what zipfile and NumPy raise on damaged files, ValueError aside
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError, struct.error, AttributeError)
DTYPES = ("float32", "int32", "int64", "bool")


def pack(file: Any, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write into an open binary file."""
    listed = {n: {"shape": list(a.shape), "dtype": str(a.dtype)} for n, a in arrays.items()}
    head = {"format": FORMAT, "version": VERSION, **config, "arrays": listed}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(CONFIG, json.dumps(head, indent=1, allow_nan=False))
        for member, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(_member(member), buffer.getbuffer())


def write(path: str | os.PathLike[str], config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write under a temporary name beside `path`, then rename: a crash leaves the old file as it was."""
    with replacing(path) as file:
        pack(file, config, arrays)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The config and the arrays of a file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no file of `write`, or damaged.
    """
    with open(path, "rb") as file:
        return unpack(file, path)


def unpack(file: Any, path: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The same of an open binary file, which messages call `path`."""
    try:
        with zipfile.ZipFile(file) as archive:
            config = _config(archive, path)
            found = {n: _array(archive, n, told) for n, told in config["arrays"].items()}
    except DAMAGE as error:
        raise ValueError(f"{path} is no model file of edgenet, or it is damaged: {error}") from error
    return config, found


def _member(name: str) -> str:
    return f"{name}.npy"


def _config(archive: zipfile.ZipFile, path: Any) -> dict[str, Any]:
    info = archive.getinfo(CONFIG)
    if info.file_size > LARGEST_CONFIG_BYTES:
        raise ValueError(f"{path}: its config has {info.file_size} bytes, more than {LARGEST_CONFIG_BYTES}")
    try:
        config = json.loads(archive.read(info))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: its config is no JSON ({error})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT or not isinstance(config.get("arrays"), dict):
        raise ValueError(f"{path} is no model file of edgenet")
    if config.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {config.get('version')} of the format, this edgenet reads version {VERSION}: update it"
        )
    return config


def _array(archive: zipfile.ZipFile, name: str, told: Any) -> np.ndarray:
    """A member whose size, dtype and shape are what the config says."""
    shape, dtype = told.get("shape"), told.get("dtype")
    known = isinstance(shape, list) and all(isinstance(d, int) and d >= 0 for d in shape)
    if dtype not in DTYPES or not known:
        raise ValueError(
            f"array {name!r} of the file is said to be {dtype} of shape {shape}, which is no array of a model"
        )
    info = archive.getinfo(_member(name))
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if not size < info.file_size <= size + HEADER_BYTES:
        raise ValueError(f"array {name!r} of the file should have {size} bytes behind its header, got {info.file_size}")
    with archive.open(info) as member:
        array = np.lib.format.read_array(member, allow_pickle=False, max_header_size=HEADER_BYTES)
        member.read()  # to the end, where the checksum is compared
    if array.shape != tuple(shape) or str(array.dtype) != dtype:
        raise ValueError(f"array {name!r} of the file should be {dtype}{shape}, it is {array.dtype}{list(array.shape)}")
    return array
