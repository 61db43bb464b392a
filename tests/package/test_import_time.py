"""`import edgenet` is light: what only some users need is imported when they need it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROBE = """
import json, sys, time
start = time.perf_counter()
import edgenet
seconds = time.perf_counter() - start
print(json.dumps({"import_s": round(seconds, 3), "modules": sorted(sys.modules), "file": edgenet.__file__}))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a fresh interpreter holds after `import edgenet`, started outside the checkout."""
    command = [sys.executable, "-W", "error", "-c", PROBE]
    run = subprocess.run(command, cwd=tmp_path_factory.mktemp("empty"), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout)


OPTIONAL = [
    "onnx",
    "onnxruntime",
    "google.protobuf",
    "tensorboardX",
    "matplotlib",
    "pydot",
    "edgenet.converters",
    "edgenet.cli",
]


@pytest.mark.parametrize("name", OPTIONAL)
def test_import_leaves_the_optional_parts_alone(imported: dict, name: str) -> None:
    assert name not in imported["modules"]


def test_import_brings_the_package_and_its_time_is_recorded(
    imported: dict, record_property: Callable[[str, object], None]
) -> None:
    # A number for the report (--junit-xml), not a limit: the clock of a busy machine proves nothing.
    record_property("import_s", imported["import_s"])
    assert Path(imported["file"]).name == "__init__.py"
