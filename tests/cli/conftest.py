"""The commands on model files need onnx, and onnxruntime as the judge."""

from __future__ import annotations

import importlib.util

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("onnx") else ["test_models.py"]


@pytest.fixture(autouse=True)
def _onnxruntime(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("onnxruntime"):
        pytest.importorskip("onnxruntime")
