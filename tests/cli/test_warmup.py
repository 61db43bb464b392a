"""The command ``edgenet warmup``: what it compiles is found by the process that runs the model."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


@pytest.fixture
def model(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    w = np.random.default_rng(0).standard_normal((4, 1, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2])]  # fmt: skip
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 10, 10])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "net", [x], [y], [numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def python(code, cache, **more):
    environment = os.environ | {"EDGENET_CACHE_DIR": str(cache)} | more
    return subprocess.run([sys.executable, *code], env=environment, capture_output=True, text=True, timeout=300)


RUN = """
import sys
import numpy as np
from edgenet.converters.onnx import backend
y, = backend.prepare({path!r}).run([np.ones((1, 1, 10, 10), np.float32)])
print(y.shape, "numba" in sys.modules)
"""


def test_nothing_is_left_to_compile(model, tmp_path):
    done = python(["-m", "edgenet", "warmup", str(model)], tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert "kernels compiled in" in done.stdout
    ran = python(["-c", RUN.format(path=str(model))], tmp_path / "cache")
    assert ran.stdout.split("\n")[0] == "(1, 4, 4, 4) False", ran.stderr


#: ``edgenet warmup``, which compiles in this process alone where it has one CPU
ALONE = """
import os, sys
from edgenet.cli import main
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
raise SystemExit(main(["warmup", {path!r}]))
"""


def test_code_for_another_machine_is_made_but_not_run(model, tmp_path):
    other = "neon:cortex-a72" if os.uname().machine == "x86_64" else "avx2:x86-64-v3"
    done = python(["-c", ALONE.format(path=str(model))], tmp_path / "cache", EDGENET_TARGET=other)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "cache").glob("gemm.*.o"))
    assert len(list((tmp_path / "cache").glob("walk.*.o"))) == 3, "for runs with several threads, too"
    ran = python(["-c", RUN.format(path=str(model))], tmp_path / "cache", EDGENET_TARGET=other)
    assert ran.returncode == 1
    assert f"EDGENET_TARGET={other} names another kind of machine" in ran.stderr


def test_a_missing_file_is_named(tmp_path):
    done = python(["-m", "edgenet", "warmup", str(tmp_path / "no.onnx")], tmp_path / "cache")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no.onnx" in done.stderr
