"""The Python of the README does what it says: every block runs by itself, in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(text: str) -> dict[str, str]:
    """The ```python blocks of a page by the line they start at."""
    fences = re.finditer(r"^```python[ \t]*\n(.*?)^```[ \t]*$", text, re.MULTILINE | re.DOTALL)
    return {f"line {text.count(chr(10), 0, fence.start()) + 2}": fence[1] for fence in fences}


@pytest.mark.parametrize("line", blocks(README.read_text(encoding="utf-8")))
def test_a_block_runs(line: str, tmp_path: Path) -> None:
    code = blocks(README.read_text(encoding="utf-8"))[line]
    script = tmp_path / "readme.py"
    script.write_text(code, encoding="utf-8")
    run = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, f"README.md, {line}\n{run.stdout[-2000:]}{run.stderr[-4000:]}"


def test_blocks_are_found_with_their_line() -> None:
    page = "# Title\n\n```python\nx = 1\n```\n\n```sh\nls\n```\n\n```python\ny = 2\n\nz = 3\n```\n"
    assert blocks(page) == {"line 4": "x = 1\n", "line 12": "y = 2\n\nz = 3\n"}
