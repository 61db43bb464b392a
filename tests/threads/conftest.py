"""Programs that use threads and processes as users do, each run on its own and stopped if it hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: one model, its input and what it gives on one thread: what every program below compares with
MODEL = '''
import os, sys, threading, time
import numpy as np
import edgenet
from edgenet import layers

edgenet.utils.set_random_seed(0)
x = np.random.default_rng(0).standard_normal((8, 16, 16, 4)).astype(np.float32)


def make():
    edgenet.utils.set_random_seed(0)
    return edgenet.Sequential([
        edgenet.Input((16, 16, 4)), layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(10),
    ])


model = make()
with edgenet.num_threads(1):
    want = model.predict(x, verbose=0)
edgenet.set_num_threads(3)


def right(model=model):
    """Whether a run gives the same bits."""
    return model.predict(x, verbose=0).tobytes() == want.tobytes()
'''


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
    """Runs a program that begins with MODEL; its output.  It fails when it exits with another status or hangs."""

    def run(code: str, timeout: int = 120, model: str = MODEL) -> str:
        script = tmp_path / "program.py"
        script.write_text(model + code)
        command = [sys.executable, "-W", "ignore", str(script)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=os.environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
