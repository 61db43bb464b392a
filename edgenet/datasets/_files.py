"""Where the files of a data set lie: in a folder the caller names, else in the cache, else on the network.

Files in a folder of the caller are taken as they are; only a download is held against its published SHA-256.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Remote:
    """A file on the network: ``mirrors`` are addresses which ``name`` is appended to, tried in order."""

    name: str
    size_bytes: int
    sha256: str
    mirrors: tuple[str, ...]


def cache_folder() -> Path:
    """The folder of all downloads: ``EDGENET_DATA``, else under ``XDG_CACHE_HOME``, else under ``~/.cache``."""
    if named := os.environ.get("EDGENET_DATA"):
        return Path(named).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # unset, or relative, which its specification says to ignore
        cache = Path("~/.cache").expanduser()
    return cache / "edgenet" / "datasets"


def locate(
    dataset: str,
    path: str | os.PathLike[str] | None,
    find: Callable[[Path], Found | None],
    expected: str,
    remotes: tuple[Remote, ...],
) -> Found:
    """Find a data set, downloading it into the cache if it is in neither place.

    Args:
        dataset: its folder's name in the cache; also looked for inside ``path``.
        path: the caller's folder; given, nothing else is looked at and nothing is downloaded.
        find: returns what it found in a folder, or None where the set is missing or incomplete.
        expected: the files ``find`` wants, in words.
        remotes: what to download so that ``find`` succeeds.

    Raises:
        FileNotFoundError: the set is not in ``path``, or is not in the cache and cannot be downloaded.
    """
    cache = cache_folder() / dataset
    folders = [cache] if path is None else [Path(path).expanduser() / dataset, Path(path).expanduser()]
    for folder in folders:
        if (found := find(folder)) is not None:
            return found
    if path is not None:
        looked = " and in ".join(str(folder) for folder in reversed(folders))
        raise FileNotFoundError(
            f"{dataset}: looked in {looked}, but found no complete set. Expected {expected}. "
            f"Pass path= the folder which holds these files, or leave path out to download them into {cache}."
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for remote in remotes:
            if not (cache / remote.name).is_file():
                download(remote, cache)
    except OSError as error:
        raise FileNotFoundError(
            f"{dataset}: not found in {cache}, and the download failed: {error} Expected {expected}. "
            f"Put these files into that folder, name a folder with path=, or set EDGENET_DATA to a folder whose "
            f"subfolder {dataset} holds them."
        ) from error
    if (found := find(cache)) is None:
        raise FileNotFoundError(f"{dataset}: {cache} is still incomplete after the download. Expected {expected}.")
    return found


def download(remote: Remote, folder: Path) -> None:
    """Download one file into a folder, under its own name only once it is complete and its SHA-256 is right.

    Raises:
        OSError: no mirror gave the right file, or the folder cannot be written; says what each mirror did.
    """
    from http.client import HTTPException

    failures = []
    for mirror in remote.mirrors:
        handle, partial = tempfile.mkstemp(prefix=f"{remote.name}.", suffix=".part", dir=folder)
        os.close(handle)
        try:
            _fetch(mirror + remote.name, remote, Path(partial))
            Path(partial).replace(folder / remote.name)
            return
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"{mirror}{remote.name}: {error}.")
        finally:
            Path(partial).unlink(missing_ok=True)
    raise OSError(" ".join(failures))


def _fetch(url: str, remote: Remote, target: Path) -> None:
    """Copy ``url`` to ``target``; ValueError where length or SHA-256 are not those of ``remote``."""
    from urllib.request import urlopen  # slow to import, and seldom needed

    from tqdm import tqdm

    digest, size_bytes = hashlib.sha256(), 0
    with (
        urlopen(url, timeout=_TIMEOUT_S) as source,
        target.open("wb") as file,
        tqdm(total=remote.size_bytes, desc=remote.name, unit="B", unit_scale=True, disable=None) as bar,
    ):
        while block := source.read(_BLOCK_BYTES):
            size_bytes += len(block)
            if size_bytes > remote.size_bytes:
                break
            file.write(block)
            digest.update(block)
            bar.update(len(block))
    if size_bytes != remote.size_bytes:
        more = "more than the " if size_bytes > remote.size_bytes else f"{size_bytes} of "
        raise ValueError(f"sent {more}{remote.size_bytes} bytes expected")
    if digest.hexdigest() != remote.sha256:
        raise ValueError(f"sent a file with SHA-256 {digest.hexdigest()}, expected {remote.sha256}")
