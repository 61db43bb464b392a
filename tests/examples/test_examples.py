"""Every example runs with --fast, from an empty folder."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
pytestmark = [pytest.mark.examples, pytest.mark.slow]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path, tmp_path):
    pytest.importorskip("onnxruntime", reason="the examples export to ONNX")
    command = [sys.executable, str(path), "--fast"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "test accuracy" in done.stdout


def test_there_are_examples():
    assert EXAMPLES
