"""Tests that run programs as on an arm64 board; without the tree that scripts/arm/setup makes they skip."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def board(root: Path) -> Run:
    """``board(*command, cpu=…, folder=…, **environment)``: run a command with `folder` as the current one.

    `bind` names more folders that it sees.
    """

    def run(
        *command: str, cpu: str = "cortex-a72", folder: Path = root, bind: tuple[Path, ...] = (), timeout: int = 300,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        run = [str(root / "scripts" / "arm" / "run"), "--cpu", cpu, "--timeout", str(timeout)]
        run += [part for where in bind for part in ("--bind", str(where))]
        ours = ("EDGENET_TARGET", "EDGENET_CACHE_DIR", "EDGENET_NUM_THREADS", "PYTHONPATH")
        told = {k: v for k, v in os.environ.items() if k not in ours}
        return subprocess.run(
            [*run, *command], cwd=folder, env=told | environment, capture_output=True, text=True, timeout=timeout + 30
        )

    done = run("true", timeout=60)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return run
