"""The examples in the docstrings of the library, module by module."""

from __future__ import annotations

import doctest
import importlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"edgenet": "edgenet", "edgenet.kernels": "kernels", "edgenet.converters": "converters"}
OPTIONAL = {"h5py", "onnx", "onnxruntime", "numba_cuda", "cuda"}


def names() -> Iterator[str]:
    """Every module of the checkout by its import name, found without importing any."""
    for package, top in FOLDERS.items():
        for folder, _, files in os.walk(ROOT / top):
            inner = Path(folder).relative_to(ROOT / top).parts
            for file in files:
                stem, kind = os.path.splitext(file)
                if kind == ".py" and stem != "__main__":
                    yield ".".join([package, *inner, *([] if stem == "__init__" else [stem])])


@pytest.mark.parametrize("name", sorted(names()))
def test_the_examples_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] in OPTIONAL:
            pytest.skip(f"{error.name} is not installed")
        raise
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report = io.StringIO()
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(example, out=report.write)
    assert runner.failures == 0, report.getvalue()
