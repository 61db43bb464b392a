"""Does edgenet compute what onnxruntime computes?"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from edgenet.compile import Program, compile_graph
from edgenet.graph import Graph, Value, emit

from .arrange import channels_first
from .compare import AGREE, Difference, onnxruntime_session, relative
from .errors import UnsupportedModelError
from .files import Source, as_model
from .reader import graph_inputs, read
from .writer import Layout


class VerificationError(AssertionError):
    """The results differ; the message says where and by how much."""


def verify(
    model: Source, ours: Graph | Program | None = None, batches: Sequence[int] = (1, 2, 7), *, seed: int = 0,
    layout: Layout | None = None,
) -> list[Difference]:  # fmt: skip
    """Run a model with onnxruntime and the same with edgenet on random numbers, and compare the outputs.

    Args:
        model: the ONNX model.
        ours: the graph (or compiled program) that it was written from; by default the model is read.
        batches: sizes for the first axis of the inputs where it is open; a fixed one is left as it is.
        seed: of the numbers; inputs of integers get 0 and 1.
        layout: how the model was written; by default the sizes tell.

    Returns:
        One difference for each output and batch.

    Raises:
        VerificationError: if one is above 1e-4, or shapes differ.
        ImportError: if onnxruntime is not installed.
    """
    proto = as_model(model)
    session = onnxruntime_session(proto)
    names = [o.name for o in session.get_outputs()]
    found: list[Difference] = []
    for batch, program in _programs(proto, ours, batches):
        rng = np.random.default_rng([seed, batch or 0])
        feeds, arrays = {}, []
        for info, home in zip(graph_inputs(proto), program.inputs, strict=True):
            drawn = rng.standard_normal(home.shape) if home.dtype == np.float32 else rng.integers(0, 2, home.shape)
            arrays.append(drawn.astype(home.dtype))
            feeds[info.name] = _as_declared(arrays[-1], info, layout)
        theirs = session.run(names, feeds)
        for name, y, want in zip(names, program.run(*arrays), theirs, strict=True):
            turned = layout == "NCHW" or (layout is None and y.shape != want.shape)
            y = y.transpose(channels_first(4)) if turned and y.ndim == 4 else y
            if y.shape != want.shape:
                raise VerificationError(f"the output {name!r} has shape {y.shape}, onnxruntime's has {want.shape}")
            found.append(Difference(batch, name, relative(y, want)))
    bad = [d for d in found if not d.relative <= AGREE]
    if bad:
        worst = max(bad, key=lambda d: np.nan_to_num(d.relative, nan=np.inf))
        raise VerificationError(
            f"{len(bad)} of {len(found)} outputs differ from onnxruntime by more than {AGREE:g}: worst is "
            f"{worst.output!r} by {worst.relative:.3g} at batch {worst.batch} (seed {seed})"
        )
    return found


def check(model: onnx.ModelProto, graph: Graph, layout: Layout) -> None:
    """`verify` a model that was written of a graph, where an onnxruntime is installed that knows its opset.

    Raises:
        VerificationError: if they differ.
        UnsupportedModelError: if onnxruntime cannot load the model, though it knows the opset.
    """
    try:
        verify(model, graph, layout=layout)
    except ImportError:
        return
    except UnsupportedModelError:
        if _knows(model):
            raise
        opset = model.opset_import[0].version
        warnings.warn(f"the ONNX model is not checked: this onnxruntime does not know opset {opset}", stacklevel=5)


def _knows(model: onnx.ModelProto) -> bool:
    """Whether onnxruntime loads a model of the opset and file format of this one."""
    info = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    outcome = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "probe", [info], [outcome])
    try:
        probe = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
        onnxruntime_session(probe)
    except UnsupportedModelError:
        return False
    return True


def bind(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The same graph, of the same variables, with names of sizes replaced by numbers."""
    bound = Graph(graph.name)
    values: dict[int, Value] = {}

    def known(value: Value | None) -> Value | None:
        if value is None or id(value) in values:
            return None if value is None else values[id(value)]
        if value.variable is not None:
            return bound.variable(value.variable)
        return bound.constant(value.array, value.name)

    for value in graph.inputs:
        spec = value.spec.bind(sizes)
        values[id(value)] = bound.input(spec.shape, spec.dtype, value.name)
    for node in graph.nodes:
        attrs = {
            key: tuple(sizes.get(s, s) for s in attr) if key.endswith("shape") else attr
            for key, attr in node.attrs.items()
        }
        results = emit(node.op, [known(v) for v in node.inputs], **attrs)
        results = results if isinstance(results, tuple) else (results,)
        values.update((id(old), new) for old, new in zip(node.outputs, results, strict=True))
    bound.outputs = [v for v in map(known, graph.outputs) if v is not None]
    return bound


def _programs(model: onnx.ModelProto, ours: Graph | Program | None, batches: Sequence[int]) -> list[Any]:
    if isinstance(ours, Program):
        return [(None, ours)]
    graph = read(model) if ours is None else ours
    names = {d for v in graph.inputs for d in v.shape if isinstance(d, str)}
    if not names:
        return [(None, compile_graph(bind(graph, {})))]
    return [(b, compile_graph(bind(graph, dict.fromkeys(names, b)))) for b in batches]


def _as_declared(array: np.ndarray, info: Any, layout: Layout | None) -> np.ndarray:
    """The array in the order of axes that the model declares: (n, c, h, w) for a model written so."""
    if layout is not None:
        return array.transpose(channels_first(4)) if layout == "NCHW" and array.ndim == 4 else array
    dims = [d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim]
    fits = len(dims) == array.ndim and all(d in (None, s) for d, s in zip(dims, array.shape, strict=True))
    return array if fits or array.ndim != 4 else array.transpose(channels_first(4))
