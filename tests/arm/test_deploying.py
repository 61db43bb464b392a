"""docs/deploying.md does what it says: its files are written and its commands run, those for the board on one."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FENCE = re.compile(r"^```(\w+)[ \t]*(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(root: Path) -> list[tuple[str, str, str]]:
    """Language, what follows it, and contents of every block of the page."""
    return FENCE.findall((root / "docs" / "deploying.md").read_text(encoding="utf-8"))


def without_numbers(text: str) -> str:
    """Figures differ from run to run, and … stands for anything."""
    return re.sub(r"\d+(\.\d+)?", "0", text).replace("…", "...")


def stand_ins(folder: Path, home: Path) -> Path:
    """Programs under the names that the page uses: this Python, and a copy across the network that goes to `home`."""
    folder.mkdir()
    programs = {
        "python3": f'exec "{sys.executable}" "$@"',
        "edgenet": f'exec "{sys.executable}" -m edgenet "$@"',
        "scp": f'[ "$1 $3" = "-rp pi@raspberrypi:" ] && cp -rp "$2" "{home}/"',
    }
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def test_every_command_of_the_page(board, root, tmp_path):
    laptop, home = tmp_path / "laptop", tmp_path / "home"
    laptop.mkdir()
    home.mkdir()
    tools = stand_ins(tmp_path / "tools", home)
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    pythonpath = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    environment = {k: v for k, v in os.environ.items() if k != "EDGENET_TARGET"}
    before_on_board, told = "", ""
    ran = {"laptop": 0, "board": 0}
    for language, note, text in blocks(root):
        if language == "python":
            (laptop / note).parent.mkdir(exist_ok=True)
            (laptop / note).write_text(text)
        elif language == "text":
            assert doctest.OutputChecker().check_output(
                without_numbers(text), without_numbers(told), doctest.ELLIPSIS
            ), f"the page says\n{text}\nand it is\n{told}"
        elif note == "board":  # a shell of its own each time: say again where we are
            done = board("bash", "-ec", before_on_board + text, folder=home)
            assert done.returncode == 0, done.stdout + done.stderr
            before_on_board += "".join(f"{line}\n" for line in text.splitlines() if line.startswith(("cd ", "export ")))
        else:
            assert note == "laptop", f"whose command is this? {text}"
            done = subprocess.run(
                ["bash", "-ec", text], cwd=laptop, capture_output=True, text=True, timeout=300,
                env=environment | {"PATH": path, "PYTHONPATH": pythonpath},
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
        if language == "sh":
            told, ran[note] = done.stdout, ran[note] + 1
    assert ran["laptop"] >= 3
    assert ran["board"] >= 4
