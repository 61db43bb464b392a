"""Where compiled kernels are kept between processes.

One file a kernel (`image` tells what is in it), named after the kernel and a digest of everything its machine code
depends on: all kernel sources, the target, the processor, the versions of Numba, llvmlite and Python.  Files are
written under a temporary name and renamed, so that two processes may fill the folder at once.  ``EDGENET_CACHE_DIR``
chooses the folder; where neither it nor the user's cache folder can be written, the system's temporary folder is taken,
then none, with one warning and never an error.  What lies in a folder that cannot be written is used nevertheless, and
without a warning while nothing is missing: a board with a read-only disk runs on what was compiled before.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import inspect
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import image
from .target import architecture, cpu, current


def key(name: str, function: Callable[..., Any]) -> str | None:
    """File name of a kernel's machine code, e.g. ``pool.max_pool-3f9c….o``.

    None for a kernel of somebody's own that uses what cannot be told from outside (an object in a closure, say): its
    code is not kept.
    """
    digest = hashlib.sha256(_environment())
    if Path(__file__).parent not in Path(function.__code__.co_filename).parents and not _tell(function, digest, set()):
        return None
    return f"{name}-{digest.hexdigest()[:24]}.o"


def _tell(value: Any, digest: Any, seen: set[int]) -> bool:
    """Put all that `value` means to machine code into the digest; False if that cannot be known."""
    value = getattr(value, "py_func", value)  # a helper compiled by Numba
    if id(value) in seen:
        return True
    module = getattr(value, "__module__", None) or ""
    if value is None or isinstance(value, bool | int | float | str | bytes | np.generic):
        digest.update(repr((type(value).__name__, value)).encode())
        return True
    if isinstance(value, tuple):
        digest.update(b"(")
        return all(_tell(v, digest, seen) for v in value)
    if inspect.ismodule(value) or inspect.isbuiltin(value) or inspect.isclass(value):
        digest.update(repr((module, getattr(value, "__name__", ""))).encode())
        return True
    if module.startswith(__package__ or "edgenet.kernels") and hasattr(value, "__name__"):  # in the sources' digest
        digest.update(repr((module, value.__name__)).encode())
        return True
    if not inspect.isfunction(value):
        return False
    seen.add(id(value))
    code = value.__code__
    digest.update(code.co_code + repr((code.co_names, code.co_varnames, value.__annotations__)).encode())
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    named = [value.__globals__[n] for n in code.co_names if n in value.__globals__]
    return all(_tell(v, digest, seen) for v in (*code.co_consts, *cells, *named))


@functools.cache
def _environment() -> bytes:
    """Digest of all that every kernel's code depends on."""
    digest = hashlib.sha256()
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    for source in sources or [Path(getattr(__spec__.loader, "archive", sys.executable))]:  # the zip file, or program
        digest.update(source.name.encode() + source.read_bytes())
    if current().cpu:  # the code of a processor given by name may come from another machine
        digest.update(repr((current(), architecture())).encode())
    else:
        versions = (_version("numba"), _version("llvmlite"), sys.version_info[:3])
        digest.update(repr((current(), platform.machine(), cpu(), versions)).encode())
    return digest.digest()


def _version(package: str) -> bytes:
    """The file of a package that holds its version, read without importing the package."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return b""
    try:
        return Path(found.origin).with_name("_version.py").read_bytes()
    except OSError:  # inside a zip file, say
        from importlib import metadata

        return metadata.version(package).encode()


def _first_choice() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("EDGENET_CACHE_DIR") or os.path.join(home, "edgenet", "kernels")


@functools.cache
def folder() -> Path | None:
    """The cache folder, made if need be; None where nothing can be written."""
    first = _first_choice()
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    for choice in (first, None):
        try:
            path = Path(choice or os.path.join(tempfile.gettempdir(), f"edgenet-kernels-{user}"))
            if not path.is_absolute() and not os.environ.get("EDGENET_CACHE_DIR"):  # there is no home
                continue
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=path):
                pass
            if not _private(path):
                continue
        except OSError:
            continue
        if str(path) != first:
            warnings.warn(f"edgenet: {first} cannot be used; kernels are cached in {path}", stacklevel=2)
        return path
    warnings.warn(f"edgenet: {first} cannot be used; kernels are compiled anew in each process", stacklevel=2)
    return None


def _private(path: Path) -> bool:
    """Whether nobody else can put machine code there that this user would run."""
    if not hasattr(os, "getuid"):
        return True
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def path(key: str) -> Path | None:
    """Where a kernel's machine code is kept; None where nothing is."""
    first = Path(_first_choice()) / key
    try:
        if first.is_file() and _private(first.parent):  # even where it cannot be written
            return first
    except OSError:
        pass
    where = folder()
    return where / key if where is not None and (where / key).is_file() else None


def read(key: str) -> bytes | None:
    """The stored machine code, or None."""
    where = path(key)
    try:
        file = where.read_bytes() if where else b""
    except OSError:
        return None
    return file if image.valid(file) else None


def write(key: str, file: bytes) -> None:
    """Store machine code; a full disk is no error."""
    where = folder()
    if where is None:
        return
    temporary = where / f"{key}.{os.getpid()}.tmp"
    try:
        temporary.write_bytes(file)
        os.replace(temporary, where / key)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
