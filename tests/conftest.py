"""Fixtures of every test. Helpers that tests import stand in modules beside this one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data sets and pretrained models, which is too large for the repository.

    It is the one EDGENET_SHARED names, else the folder `shared` next to the checkout.
    """
    folder = Path(os.environ.get("EDGENET_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no data sets and models at {folder}; EDGENET_SHARED may name their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def small_programs_are_shared_out() -> Iterator[None]:
    """Tests of threads use small problems: programs of any size run on as many threads as are asked for."""
    from edgenet.kernels import parallel

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "ALONE_BELOW", 0)
        yield
