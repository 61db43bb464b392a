"""Each script runs to its end on tiny problems, and its outputs agree with those of the peers that are installed."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys

import pytest

ONNX = importlib.util.find_spec("onnx") is not None
ONNXRUNTIME = ONNX and importlib.util.find_spec("onnxruntime") is not None
INSTALLED = {
    name: all(importlib.util.find_spec(p) is not None for p in packages.split())
    for name, packages in {
        "pytorch": "torch", "openvino": "openvino", "onnxruntime": "onnx onnxruntime", "keras": "tensorflow",
        "jax": "jax", "tflite": "ai_edge_litert tensorflow",
    }.items()
}  # fmt: skip
TORCH = INSTALLED["pytorch"]


def peers(rows):
    """Names of the peers in the rows; every row has one if there are any."""
    found = {r.get("peer") for r in rows}
    assert len(found) == 1 or None not in found
    assert all(r["ratio"] > 0 and r["best"] > 0 for r in rows if "peer" in r)
    return found - {None}


def there(*names):
    """Those of the peers that are installed."""
    return {name for name in names if INSTALLED[name]}


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
    rows = stored["rows"]
    assert list(dict.fromkeys(r["model"] for r in rows)) == ["LeNet-5", "DS-CNN", "one Relu of 4"]
    assert peers([r for r in rows if r["model"] == "LeNet-5"]) == there("onnxruntime", "openvino", "pytorch", "tflite")
    assert all(0 < r["peak"] < 1.5 and r["differs"] < 1e-3 for r in rows if r.get("peer"))
    means = {m["peer"]: m for m in stored.get("means", [])}
    for name, mean in means.items():
        ours = [1 / r["ratio"] for r in rows if r.get("peer") == name and r["counted"]]
        assert name == "the best" or mean["mean"] == pytest.approx(math.prod(ours) ** (1 / len(ours)))
    assert means.keys() - {"the best"} == there("onnxruntime", "openvino", "pytorch", "tflite")
    steps = stored["profiles"][0]["steps"]
    assert {"conv2d", "max_pool", "dense"} <= {s["op"] for s in steps}
    assert all(s["seconds"] > 0 for s in steps)
    assert all(s["flops"] > 0 and s["bytes"] > 0 for s in steps if "flops" in s)
    assert {s["node"] for s in steps} == {s["node"] for s in steps if "flops" in s}
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
    rows = stored["rows"]
    assert list(dict.fromkeys(r["network"] for r in rows)) == ["LeNet-5", "DS-CNN"]
    assert all(r["images/s"] > 0 for r in rows)
    assert peers(rows) == there("pytorch", "keras", "jax")


@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs onnx")
def test_an_unknown_peer_is_refused(root):
    command = [sys.executable, str(root / "benchmarks" / "models.py"), "--peers", "onnxruntime,mine"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 2
    assert "there is no mine: there are onnxruntime, openvino, pytorch, tflite" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs onnx")
def test_growth(root, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- growth: begin -->\nold\n<!-- growth: end -->\nafter\n", encoding="utf-8")
    stored, _ = run(root, tmp_path, "growth.py", "--markdown", str(page))
    rows = stored["rows"]
    assert {r["varies"] for r in rows} == {"batch", "side", "width", "depth", "threads"}
    assert all(r["µs/unit"] > 0 and r["peak"] > 0 and ("ratio" in r) == ONNXRUNTIME for r in rows)
    lines = page.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
    table = lines[lines.index("**batch** (side 32, width 32, depth 4, threads 1)") + 2 :][:4]
    assert [line.count("|") for line in table] == [9] * 4
    assert [line.split("|")[1].strip() for line in table] == ["batch", "---:", "1", "2"]


LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux to set a peak back")


@LINUX
@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs onnx")
def test_memory(root, tmp_path):
    stored, _ = run(root, tmp_path, "memory.py")
    assert [r["model"] for r in stored["rows"]] == ["LeNet-5", "ResNet-8", "a small net", "a small net"]
    inference, training, *flat = stored["rows"]
    for row, peer in ((inference, ONNXRUNTIME), (training, TORCH)):
        assert 0 < row["growth MB"] < row["total MB"]
        assert ("share" in row) == peer
    assert training["growth MB"] > training["arena MB"] > 0
    assert all("growth MB" in row for row in flat)


@LINUX
@pytest.mark.slow
@pytest.mark.skipif(not ONNX, reason="needs onnx")
@pytest.mark.parametrize(("what", "count"), [("runs", 100_000), ("steps", 10_000)])
def test_memory_stays_as_it_is_over_many_runs_and_training_steps(root, what, count):
    asked = json.dumps(["flat", what, count])
    command = [sys.executable, str(root / "benchmarks" / "memory.py"), "--in-process", asked]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["growth MB"] < 1
