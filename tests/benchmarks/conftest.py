"""Modules of the folder `benchmarks`, which is no package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    """A module of the folder; what its import changes in `sys` is undone after the test."""
    monkeypatch.setattr(sys, "path", [str(root / "benchmarks"), *sys.path])
    for stem in ("_measure", "_report"):
        monkeypatch.delitem(sys.modules, stem, raising=False)
    try:
        return importlib.import_module(name)
    finally:
        for stem in ("_measure", "_report"):
            sys.modules.pop(stem, None)


@pytest.fixture
def measure(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `_measure`."""
    return load(root, monkeypatch, "_measure")


@pytest.fixture
def report(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `_report`."""
    return load(root, monkeypatch, "_report")
