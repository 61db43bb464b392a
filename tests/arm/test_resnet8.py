"""Kernels compiled on this machine for a Cortex-A72 stand alone, and give on one what this machine's give here.

The process there runs a whole ResNet-8 and cannot import Numba or llvmlite.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from elf import global_symbols
from numpy.testing import assert_allclose

pytestmark = pytest.mark.slow

MODEL = """
import sys
import numpy as np
import edgenet
from edgenet import layers

edgenet.utils.set_random_seed(0)


def block(x, channels, strides):
    y = layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same", use_bias=False)(y))
    x = x if strides == 1 else layers.Conv2D(channels, 1, strides=strides)(x)
    return layers.ReLU()(layers.Add()([x, y]))


inputs = edgenet.Input((32, 32, 3))
x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)))
for channels, strides in ((16, 1), (32, 2), (64, 2)):
    x = block(x, channels, strides)
x = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
model = edgenet.Model(inputs, x)
rng = np.random.default_rng(0)
model.set_weights([w + rng.uniform(0.0, 0.1, w.shape).astype(np.float32) for w in model.get_weights()])
model.export("resnet8.onnx")
"""

#: ``edgenet warmup``, in this process alone, which keeps the objects besides what goes into the cache
OBJECTS = """
from edgenet.cli import main
from edgenet.kernels import translate, workers

def kept(kernel, compile_object=translate.compile_object):
    code = compile_object(kernel)
    open(kernel.name + ".object", "wb").write(code)
    return code

translate.compile_object, workers.WORTH = kept, 1 << 30
raise SystemExit(main(["warmup", "resnet8.onnx", "--batch", "2"]))
"""

#: whoever imports them gets an ImportError
WITHOUT = 'import sys; sys.modules["numba"] = sys.modules["llvmlite"] = None'

RUN = """
import sys
import numpy as np
import edgenet
session = edgenet.InferenceSession("resnet8.onnx")
x = np.random.default_rng(1).standard_normal((2, 32, 32, 3)).astype(np.float32)
y, = session.run(None, {session.get_inputs()[0].name: x})
np.save(sys.argv[1], y)
"""


def python(code, folder, *arguments, **environment):
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_the_answer_is_that_of_this_machine(board, tmp_path):
    python(MODEL, tmp_path)
    kernels = str(tmp_path / "board")
    python(OBJECTS, tmp_path, EDGENET_TARGET="neon:cortex-a72", EDGENET_CACHE_DIR=kernels)
    objects = list(tmp_path.glob("*.object"))
    assert len(objects) >= 3
    assert len(objects) == len(os.listdir(kernels))
    for path in objects:
        code = path.read_bytes()
        assert code[18:20] == b"\xb7\0", "an object for AArch64"
        assert global_symbols(code) == {"entry"}, path.name

    there = board("python3", "-c", WITHOUT + RUN, "there.npy", folder=tmp_path, EDGENET_CACHE_DIR=kernels)
    assert there.returncode == 0, there.stderr
    python(RUN, tmp_path, "here.npy")

    here, there = np.load(tmp_path / "here.npy"), np.load(tmp_path / "there.npy")
    assert here.shape == (2, 10)
    assert np.ptp(here) > 1e-3
    assert_allclose(there, here, rtol=0, atol=1e-5)
