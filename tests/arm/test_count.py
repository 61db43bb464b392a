"""Counted instructions may not grow."""

from __future__ import annotations

import json
import runpy

import pytest

LOG = "a warning of somebody\nproblem conv 3x3\ninstructions {conv}\nproblem dense\ninstructions 500\n"


@pytest.fixture
def compare(root, tmp_path):
    """``compare(count)``: what scripts/arm/compare.py says of a convolution that took 1000 instructions before."""
    script = runpy.run_path(str(root / "scripts" / "arm" / "compare.py"))
    record = tmp_path / "instructions.json"
    record.write_text(json.dumps({"cortex-a72": {"conv 3x3": 1000, "dense": 500}}))
    script["main"].__globals__["RECORD"] = record

    def run(text: str, *options: str) -> int:
        (tmp_path / "cortex-a72").write_text(text)
        return script["main"]([*options, str(tmp_path / "cortex-a72")])

    return run


@pytest.mark.parametrize(("conv", "status"), [(900, 0), (1000, 0), (1020, 0), (1021, 1)])
def test_two_percent_are_allowed(compare, conv, status, capsys):
    assert compare(LOG.format(conv=conv)) == status
    assert ("grown" in capsys.readouterr().out) == bool(status)


def test_a_problem_that_is_gone_or_new_is_an_error(compare):
    assert compare("problem conv 3x3\ninstructions 1000\n") == 1
    assert compare(LOG.format(conv=1000) + "problem new\ninstructions 1\n") == 1


def test_counts_are_recorded_when_asked(compare):
    assert compare(LOG.format(conv=2000), "--write") == 0
    assert compare(LOG.format(conv=2000)) == 0


def test_both_boards_are_on_record(root):
    record = json.loads((root / "scripts" / "arm" / "instructions.json").read_text())
    assert set(record) == {"cortex-a72", "cortex-a76"}
    assert record["cortex-a72"].keys() == record["cortex-a76"].keys()
