"""Where compiled kernels are kept between processes.

One file a kernel, named after the kernel and a digest of everything its machine code depends on: all kernel sources,
the target, the versions of Numba, llvmlite and Python.  Files are written under a temporary name and renamed, so that
two processes may fill the folder at once.  ``EDGENET_CACHE_DIR`` chooses the folder; where neither it nor the user's
cache folder can be written, the system's temporary folder is taken, then none, with one warning and never an error.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .target import current


def key(name: str, function: Callable[..., Any]) -> str:
    """File name of a kernel's machine code, e.g. ``pool.max_pool-3f9c….o``."""
    own = Path(inspect.getsourcefile(function) or "")
    source = b"" if Path(__file__).parent in own.parents else inspect.getsource(function).encode()
    return f"{name}-{hashlib.sha256(_environment() + source).hexdigest()[:24]}.o"


@functools.cache
def _environment() -> bytes:
    """Digest of all that every kernel's code depends on."""
    import llvmlite
    import llvmlite.binding as llvm
    import numba

    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    machine = (platform.machine(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    versions = (numba.__version__, llvmlite.__version__, sys.version_info[:3])
    digest.update(repr((current(), machine, versions)).encode())
    return digest.digest()


@functools.cache
def folder() -> Path | None:
    """The cache folder, made if need be; None where nothing can be written."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    choices = [os.environ.get("EDGENET_CACHE_DIR") or os.path.join(home, "edgenet", "kernels")]
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    choices.append(os.path.join(tempfile.gettempdir(), f"edgenet-kernels-{user}"))
    for i, choice in enumerate(choices):
        path = Path(choice)
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError:
            continue
        if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():  # another user's code is never run
            continue
        if i:
            warnings.warn(f"edgenet: {choices[0]} cannot be written; kernels are cached in {path}", stacklevel=2)
        return path
    warnings.warn(f"edgenet: none of {choices} can be written; kernels are compiled anew in each process", stacklevel=2)
    return None


def read(key: str) -> bytes | None:
    """The stored machine code, or None."""
    where = folder()
    if where is None:
        return None
    try:
        stored = (where / key).read_bytes()
    except OSError:
        return None
    code = stored[32:]
    return code if hashlib.sha256(code).digest() == stored[:32] else None


def write(key: str, code: bytes) -> None:
    """Store machine code behind its checksum; a full disk is no error."""
    where = folder()
    if where is None:
        return
    temporary = where / f"{key}.{os.getpid()}.tmp"
    try:
        temporary.write_bytes(hashlib.sha256(code).digest() + code)
        os.replace(temporary, where / key)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
