"""Whatever a file holds, it ends in an answer or in a clear error: never in a crash, a hang, or gigabytes of memory.

The cases are those of `converters_fuzz.py`; each family runs in a process of its own, so that a crash fails one test.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from converters_fuzz import clear
from fuzz_damage import damaged
from fuzz_models import FAMILIES

from edgenet.converters.onnx import InferenceSession, UnsupportedModelError

WORKER = Path(__file__).parents[1] / "converters_fuzz.py"
CASES = 700


def attempted(*arguments):
    """What a worker found to be wrong, and how it ended."""
    done = subprocess.run([sys.executable, WORKER, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    *wrong, last = done.stdout.splitlines() or [""]
    at = [line for line in done.stderr.splitlines() if line.startswith("@")][-1:]
    assert (done.returncode, last) == (0, "done"), f"it ended at {at}: {done.stderr[-3000:]}"
    return wrong


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_models(family):
    assert attempted(family, 0, CASES) == []


@pytest.mark.parametrize("family", ["absurd", "outside"])
def test_models_that_are_absurd(family):
    assert attempted(family, 0, 0) == []


def test_the_undamaged_models_are_sound():
    """Most of the damage would be wasted on models that are refused as they stand."""
    runs, refused = 0, []
    for make in FAMILIES.values():
        model = make()
        try:
            session = InferenceSession(model)
            shapes = {i.name: [d if isinstance(d, int) else 2 for d in i.shape] for i in session.get_inputs()}
            session.run(None, {n: np.ones(s, np.float32) for n, s in shapes.items()})
            runs += 1
        except UnsupportedModelError as error:
            refused += error.problems
    assert all("the operator" in problem for problem in refused), refused
    assert runs >= 5


def test_errors_by_accident_are_told_from_those_on_purpose():
    def caught(function):
        with pytest.raises(Exception) as info:  # noqa: PT011
            function()
        return info.value

    assert clear(caught(lambda: InferenceSession(b"nothing")))
    assert not clear(caught(lambda: np.zeros(3).reshape(2)))
    assert not clear(caught(lambda: {}["key"]))
    assert not clear(caught(lambda: InferenceSession(damaged)))
