"""Each script runs to its end on tiny problems, and its outputs agree with those of the peers that are installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

ONNX = importlib.util.find_spec("onnx") is not None
ONNXRUNTIME = ONNX and importlib.util.find_spec("onnxruntime") is not None
TORCH = importlib.util.find_spec("torch") is not None


def run(root, tmp_path, script, *arguments):
    """The JSON that a script writes, and what it prints."""
    path = tmp_path / "out.json"
    command = [sys.executable, str(root / "benchmarks" / script), "--fast", "--json", str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(path.read_text(encoding="utf-8")), done.stdout


@pytest.mark.slow
def test_kernels(root, tmp_path):
    stored, text = run(root, tmp_path, "kernels.py", "--threads", "1,2")
    rows = stored["rows"]
    assert {r["threads"] for r in rows} == {1, 2}
    assert {"conv", "depthwise", "dense", "pool", "conv dx", "conv dw", "dense dx", "dense dw"} <= {
        r["family"] for r in rows
    }
    assert all(r["edgenet µs"] > 0 for r in rows)
    assert set(stored["peak_flops_per_s"]) == {"1", "2"}
    assert all(0 < r["peak"] < 1.5 for r in rows if "peak" in r)
    for package, peer in (("onnxruntime", ONNXRUNTIME), ("pytorch", TORCH)):
        assert peer == any(r.get("peer") == package and r["ratio"] > 0 for r in rows)
    assert "multiply-add peak" in text


@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs onnx")
def test_models(root, tmp_path):
    stored, text = run(root, tmp_path, "models.py", "--threads", "1", "--profile")
    assert [r["model"] for r in stored["rows"]] == ["LeNet-5", "DS-CNN"]
    assert all(("ratio" in r) == ONNXRUNTIME for r in stored["rows"])
    steps = stored["profiles"][0]["steps"]
    assert {"conv2d", "max_pool", "dense"} <= {s["op"] for s in steps}
    assert all(s["seconds"] > 0 for s in steps)
    assert "steps" in text


@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs onnx")
def test_a_model_that_cannot_be_read_is_named(root, tmp_path):
    from onnx.parser import parse_model

    text = '<ir_version: 8, opset_import: ["": 17]> g (float[2, 3] x) => (float[2, 3] y) { y = CumSumOfMine(x) }'
    path = tmp_path / "strange.onnx"
    path.write_bytes(parse_model(text).SerializeToString())
    command = [sys.executable, str(root / "benchmarks" / "models.py"), "--fast", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, timeout=600)
    assert done.returncode == 1
    assert "strange" in done.stderr
    assert "CumSumOfMine" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_train(root, tmp_path):
    stored, _ = run(root, tmp_path, "train.py", "--threads", "1", "--only", "LeNet|DS-CNN")
    assert [r["network"] for r in stored["rows"]] == ["LeNet-5", "DS-CNN"]
    assert all(r["images/s"] > 0 for r in stored["rows"])
    assert all(("ratio" in r) == TORCH for r in stored["rows"])
