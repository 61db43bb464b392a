"""The kernels of convolution and dense layers, compiled for every row of the target table."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgenet.kernels import machine, target
from edgenet.kernels.target import TABLE, current, l2_bytes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [n for n in TABLE if n != current().name])
def test_on_another_row(name):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/ops/test_conv.py",
        "tests/ops/test_gemm.py",
        "tests/ops/test_integer.py",
        "tests/ops/test_movement.py::test_planes_become_pixels",
        "tests/ops/test_norm.py",
        "tests/ops/test_pool.py::test_every_width_of_channels",
        "tests/ops/test_pool.py::test_windows_without_padding",
    ]
    env = {**os.environ, "EDGENET_TARGET": name}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_a_cache_size_that_is_no_help_is_replaced(monkeypatch):
    import builtins
    import io

    monkeypatch.setattr(builtins, "open", lambda *args, **kwargs: io.StringIO("0K\n"))
    assert l2_bytes(12345) == 12345


def test_an_unknown_row_is_refused():
    code = "import edgenet.kernels.target as t; t.current()"
    env = {**os.environ, "EDGENET_TARGET": "avx1024"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "EDGENET_TARGET='avx1024' is unknown: expected one of avx512, avx2, neon, sse" in done.stderr


BOARDS = {
    "Raspberry Pi 4": (["0x41"] * 4, ["0xd08"] * 4, "cortex-a72"),
    "Raspberry Pi 5": (["0x41"] * 4, ["0xd0b"] * 4, "cortex-a76"),
    "big and little": (["0x41"] * 4, ["0xd05", "0xd05", "0xd0b", "0xd0b"], ""),
    "another maker's": (["0x51"] * 4, ["0xd08"] * 4, ""),
    "newer than the table": (["0x41"] * 4, ["0xdff"] * 4, ""),
    "silent": ([], [], ""),
}


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_known_by_its_cores(board, tmp_path, monkeypatch):
    makers, parts, name = BOARDS[board]
    (tmp_path / "proc").mkdir()
    lines = [f"CPU implementer\t: {m}\nCPU part\t: {p}\n" for m, p in zip(makers, parts, strict=True)]
    (tmp_path / "proc" / "cpuinfo").write_text("\n".join(lines))
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(target.platform, "machine", lambda: "aarch64")
    monkeypatch.delenv("EDGENET_TARGET", raising=False)
    caches = (target.core, target.current)
    for cached in caches:
        cached.cache_clear()
    try:
        assert target.core() == name
        assert (current().name, current().cpu, current().foreign) == ("neon", name, False)
    finally:
        monkeypatch.undo()
        for cached in caches:
            cached.cache_clear()
