"""Those that edgenet is held against in inference: onnxruntime, OpenVINO, PyTorch, TensorFlow Lite.

`_torch_networks`, `_keras_networks` and `_jax_networks` hold those for training.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray


class Peer(NamedTuple):
    """A contestant and how to look at what it computed."""

    name: str
    run: Callable[[], Any]
    results: Callable[[], list[Array]]


#: what a peer needs besides itself: onnxruntime models, which ``onnx`` writes; TensorFlow Lite, which runs as
#: ``ai_edge_litert``, TensorFlow, which converts
NEEDS = {"onnxruntime": ("onnx",), "ai_edge_litert": ("tensorflow",)}


def installed(package: str) -> bool:
    """Whether a peer can take part."""
    return all(importlib.util.find_spec(name) is not None for name in (package, *NEEDS.get(package, ())))


def peers_of(known: Mapping[str, str]) -> Callable[[str], list[str]]:
    """Reads names of peers from the command line."""

    def names(text: str) -> list[str]:
        found = [name for name in text.split(",") if name]
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}: there are {', '.join(known)}")
        return found

    return names


def settle_tensorflow() -> None:
    """Before it is imported: TensorFlow says less, and Keras runs on it."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}


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


def openvino(model: bytes, feeds: Mapping[str, Array], threads: int) -> Peer:
    """OpenVINO in float32, tuned for the time of one run; arrays are not copied."""
    import openvino as ov

    core = ov.Core()
    network = core.read_model(model)
    network.reshape({name: list(x.shape) for name, x in feeds.items()})
    request = core.compile_model(
        network, "CPU",
        {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"},
    ).create_infer_request()  # fmt: skip
    for name, x in feeds.items():
        request.set_tensor(name, ov.Tensor(x, shared_memory=True))

    def run(kept: object = dict(feeds)) -> None:
        request.start_async()  # less Python than in `infer`
        request.wait()

    def results() -> list[Array]:
        run()
        return [np.array(request.get_output_tensor(i).data) for i in range(len(network.outputs))]

    return Peer("openvino", run, results)


def tflite(keras_model: Any, x: Array, threads: int) -> Peer:
    """TensorFlow Lite with XNNPACK, converted from a Keras model of a fixed batch; `x` is NHWC."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    with contextlib.redirect_stdout(io.StringIO()):  # a page about what it saved on the way
        content = tf.lite.TFLiteConverter.from_keras_model(keras_model).convert()
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run() -> Array:
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        y: Array = interpreter.get_tensor(target)
        return y

    return Peer("tflite", run, lambda: [run()])


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
