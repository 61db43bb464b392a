"""Does edgenet compute what onnxruntime computes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx

from edgenet.compile import Program, compile_graph
from edgenet.graph import Graph, Value, emit

from .arrange import channels_first
from .files import Source, as_model
from .reader import graph_inputs, read

#: largest difference that counts as agreement, relative to the largest number of the output
AGREE = 1e-4


class Difference(NamedTuple):
    """How far one output is from onnxruntime's, relative to the largest number of it (or 1, if that is larger)."""

    batch: int | None
    output: str
    relative: float


class VerificationError(AssertionError):
    """The results differ; the message says where and by how much."""


def verify(
    model: Source, ours: Graph | Program | None = None, batches: Sequence[int] = (1, 2, 7), *, seed: int = 0
) -> list[Difference]:
    """Run a model with onnxruntime and the same with edgenet on random numbers, and compare the outputs.

    Args:
        model: the ONNX model.
        ours: the graph (or compiled program) that it was written from; by default the model is read.
        batches: sizes for the first axis of the inputs where it is open; a fixed one is left as it is.
        seed: of the numbers.

    Returns:
        One difference for each output and batch.

    Raises:
        VerificationError: if one is above 1e-4, or shapes differ.
        ImportError: if onnxruntime is not installed.
        TypeError: if an input is not floating point.
    """
    import onnxruntime

    proto = as_model(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    found: list[Difference] = []
    for batch, program in _programs(proto, ours, batches):
        rng = np.random.default_rng([seed, batch or 0])
        feeds, arrays = {}, []
        for info, value in zip(graph_inputs(proto), program.graph.inputs, strict=True):
            if value.dtype != "float32":
                raise TypeError(f"the input {value.name!r} is {value.dtype}: random numbers for it mean nothing")
            array = rng.standard_normal(value.spec.sizes).astype(np.float32)
            arrays.append(array)
            feeds[info.name] = _as_declared(array, info)
        theirs = session.run(names, feeds)
        for name, y, want in zip(names, program.run(*arrays), theirs, strict=True):
            y = y.transpose(channels_first(4)) if y.shape != want.shape and y.ndim == 4 else y
            if y.shape != want.shape:
                raise VerificationError(f"the output {name!r} has shape {y.shape}, onnxruntime's has {want.shape}")
            found.append(Difference(batch, name, _relative(y, want)))
    bad = [d for d in found if not d.relative <= AGREE]
    if bad:
        worst = max(bad, key=lambda d: np.nan_to_num(d.relative, nan=np.inf))
        raise VerificationError(
            f"{len(bad)} of {len(found)} outputs differ from onnxruntime by more than {AGREE:g}: worst is "
            f"{worst.output!r} by {worst.relative:.3g} at batch {worst.batch} (seed {seed})"
        )
    return found


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


def _as_declared(array: np.ndarray, info: Any) -> np.ndarray:
    """The array in the order of axes that the model declares: (n, c, h, w) for a model written so."""
    dims = [d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim]
    fits = len(dims) == array.ndim and all(d in (None, s) for d, s in zip(dims, array.shape, strict=True))
    return array if fits or array.ndim != 4 else array.transpose(channels_first(4))


def _relative(y: np.ndarray, want: np.ndarray) -> float:
    if not want.size or np.array_equal(y, want, equal_nan=True):
        return 0.0
    scale = max(1.0, float(np.abs(want).max()))
    return float(np.abs(y.astype(np.float64) - want).max()) / scale
