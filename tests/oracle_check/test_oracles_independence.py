"""An oracle which shared code with what it judges would share its mistakes."""

import ast
from pathlib import Path

import numpy as np
import pytest

import oracle

FILES = sorted(Path(oracle.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_oracles_import_numpy_and_each_other_only(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= {"numpy", "oracle"}


def test_floats_are_widened_and_integers_kept():
    dtypes = {np.float16: np.float64, np.float32: np.float64, np.longdouble: np.longdouble}
    dtypes |= {np.int8: np.int64, np.uint8: np.int64, np.bool_: np.bool_}
    for given, expected in dtypes.items():
        assert oracle.wide(np.ones(1, given)).dtype == expected


def test_an_input_is_never_the_output():
    x = np.ones(3)
    oracle.wide(x)[:] = 7
    assert x.tolist() == [1, 1, 1]
