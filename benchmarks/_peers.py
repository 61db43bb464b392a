"""Those that edgenet is held against: onnxruntime for inference, PyTorch for gradients and training."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray


class Peer(NamedTuple):
    """A contestant and how to look at what it computed."""

    name: str
    run: Callable[[], Any]
    results: Callable[[], list[Array]]


def installed(package: str) -> bool:
    """Whether a peer can take part; onnxruntime needs models, which ``onnx`` writes."""
    needed = (package, "onnx") if package == "onnxruntime" else (package,)
    return all(importlib.util.find_spec(name) is not None for name in needed)


def session(model: bytes, threads: int) -> Any:
    """An onnxruntime session on the CPU with its default optimisations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnxruntime_in_place(model: bytes, feeds: Mapping[str, Array], threads: int) -> Peer:
    """A session whose inputs and outputs stay where they are, so that nothing is copied or allocated."""
    import onnxruntime

    s = session(model, threads)
    binding = s.io_binding()
    arrays = dict(feeds)  # older releases of onnxruntime do not keep the arrays of a binding alive
    for name, x in arrays.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(x))
    outputs = [np.zeros_like(x) for x in s.run(None, arrays)]
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(y) for y in outputs]
    for o, value in zip(s.get_outputs(), values, strict=True):
        binding.bind_ortvalue_output(o.name, value)

    def run(kept: object = (arrays, outputs)) -> None:
        s.run_with_iobinding(binding)

    def results() -> list[Array]:
        run()
        return [np.array(v.numpy()) for v in values]

    return Peer("onnxruntime", run, results)


def onnxruntime_plain(model: bytes, feeds: Mapping[str, Array], threads: int) -> Peer:
    """A session as it is mostly used: arrays in, arrays out."""
    s, inputs = session(model, threads), dict(feeds)
    return Peer("onnxruntime", lambda: s.run(None, inputs), lambda: list(s.run(None, inputs)))


def pytorch(function: Callable[..., Any], *arrays: Array) -> Peer:
    """A function of PyTorch tensors, without recording gradients."""
    import torch

    tensors = [torch.from_numpy(a) for a in arrays]
    tensors = [t.permute(0, 3, 1, 2) if t.ndim == 4 else t for t in tensors]  # NHWC memory is PyTorch's channels_last

    def run() -> Any:
        with torch.no_grad():
            return function(*tensors)

    def results() -> list[Array]:
        y = run()
        return [t.detach().contiguous().numpy() for t in (y if isinstance(y, tuple | list) else [y])]

    return Peer("pytorch", run, results)
