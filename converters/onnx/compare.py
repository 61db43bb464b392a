"""Where edgenet and onnxruntime part: one model, the same arrays, output by output, and then node by node."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx

from .errors import UnsupportedModelError
from .files import Source, as_model
from .frame import Frame, declared_shape, who
from .kinds import of_number
from .session import InferenceSession

#: largest difference that counts as agreement, relative to the largest number of the output
AGREE = 1e-4
#: elements of a made-up input; more is surely a size that lies
LARGEST = 1 << 28


class Difference(NamedTuple):
    """How far one output is from onnxruntime's, relative to the largest number of it (or 1, if that is larger)."""

    batch: int | None
    output: str
    relative: float


class Parting(NamedTuple):
    """The first node whose result differs from onnxruntime's."""

    node: str
    output: str
    relative: float


def feeds_for(
    model: Source, shapes: Mapping[str, Sequence[int]] | None = None, batch: int = 1, seed: int = 0
) -> dict[str, np.ndarray]:
    """Seeded arrays for the inputs of a model: normal numbers, bytes, or for other integers 0 and 1.

    Args:
        model: the model.
        shapes: shapes of inputs by name.
        batch: size of a first axis that the model leaves open.
        seed: of the numbers.

    Raises:
        ValueError: if the model leaves other sizes open that `shapes` does not give, or has no input of that name.
        TypeError: if an input is neither numbers nor truth values.

    >>> from onnx.parser import parse_model
    >>> header = '<ir_version: 8, opset_import: ["": 17]>'
    >>> model = parse_model(header + "net (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }")
    >>> feeds_for(model, batch=2)["x"].shape
    (2, 3)
    """
    rng = np.random.default_rng([seed, batch])
    found = {}
    for info, shape in bound_shapes(as_model(model), shapes or {}, batch):
        kind = of_number(info.type.tensor_type.elem_type)
        if kind is None or kind.kind not in "fiub":
            raise TypeError(f"the input {info.name!r} is {kind}: pass an array for it")
        if kind.kind == "f":
            found[info.name] = rng.standard_normal(shape).astype(kind)
        elif kind.itemsize == 1 and kind.kind != "b":
            limits = np.iinfo(kind)
            found[info.name] = rng.integers(limits.min, limits.max, shape, kind, endpoint=True)
        else:
            found[info.name] = rng.integers(0, 2, shape).astype(kind)
    return found


def bound_shapes(
    model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]], batch: int
) -> list[tuple[Any, tuple[int, ...]]]:
    """Each input and its shape with all sizes known; raises as `feeds_for`."""
    frame = Frame.of(model)
    names = [i.name for i in frame.inputs]
    if unknown := [n for n in shapes if n not in names]:
        raise ValueError(f"there is no input {', '.join(map(repr, unknown))}: the inputs are {names}")
    found = []
    for info in frame.inputs:
        declared = declared_shape(info)
        dims = list(shapes.get(info.name, declared or ()))
        if declared is None and info.name not in shapes:
            raise ValueError(f"the input {info.name!r} has no shape in the model: give one for it")
        if dims and not isinstance(dims[0], int):
            dims[0] = batch
        if declared is not None and len(dims) != len(declared):
            raise ValueError(f"the input {info.name!r} has {len(declared)} axes {declared}, got the shape {dims}")
        if not all(isinstance(d, int) and d >= 0 for d in dims) or math.prod(dims) > LARGEST:
            raise ValueError(f"the input {info.name!r} has the shape {dims}: give sizes for it that are numbers")
        found.append((info, tuple(dims)))
    return found


def compare(model: Source, feeds: Mapping[str, np.ndarray], batch: int | None = None) -> list[Difference]:
    """The differences of all outputs.

    Raises:
        ImportError: if onnxruntime is not installed.
        UnsupportedModelError: if edgenet cannot run the model.
        ValueError: if onnxruntime cannot.
    """
    proto = as_model(model)
    theirs = onnxruntime_session(proto)
    ours = InferenceSession(proto)
    names = [o.name for o in ours.get_outputs()]
    wanted = _run(theirs, names, feeds)
    with np.errstate(all="ignore"):
        got = ours.run(names, feeds)
    return [Difference(batch, n, relative(y, w)) for n, y, w in zip(names, got, wanted, strict=True)]


def first_parting(model: Source, feeds: Mapping[str, np.ndarray]) -> Parting | None:
    """The first node, in order of computation, whose result differs when both sides keep all of them; or None."""
    proto = onnx.ModelProto()
    proto.CopyFrom(as_model(model))
    frame = Frame.of(proto)
    made = {name: node for node in frame.nodes for name in node.output if name in frame.used}
    declared = {o.name for o in proto.graph.output}
    proto.graph.output.extend(onnx.ValueInfoProto(name=n) for n in made if n not in declared)
    names = list(made)
    wanted = _run(onnxruntime_session(proto, optimised=False), names, feeds)
    with np.errstate(all="ignore"):
        got = InferenceSession(proto).run(names, feeds)
    for name, y, want in zip(names, got, wanted, strict=True):
        if not (difference := relative(y, want)) <= AGREE:
            return Parting(who(made[name]), name, difference)
    return None


def relative(y: np.ndarray, want: np.ndarray) -> float:
    """Largest difference, relative to the largest finite number of `want` (or 1, if that is larger).

    It is infinite where shapes differ, or where only one side has a number that is not finite.

    >>> relative(np.array([1.0, np.nan, 10.0]), np.array([2.0, np.nan, 10.0]))
    0.1
    """
    if y.shape != want.shape:
        return math.inf
    if y.dtype.kind not in "fiub" or want.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(y, want) else math.inf
    a, b = y.astype(np.float64), want.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    if not np.isfinite(a[~same]).all() or not np.isfinite(b[~same]).all():
        return math.inf
    scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max()))
    return float(np.abs(a[~same] - b[~same]).max()) / scale


def onnxruntime_session(model: onnx.ModelProto, threads: int = 0, optimised: bool = True) -> Any:
    """A session of onnxruntime on the CPU; `threads`: 0 for its own choice.

    Raises:
        ImportError: if onnxruntime is not installed.
        ValueError: if it cannot run the model.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ImportError('comparing needs the package onnxruntime: pip install "edgenet[onnx]"') from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UnsupportedModelError("onnxruntime cannot run the model", [str(error)]) from error


def _run(session: Any, names: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    try:
        return [np.asarray(y) for y in session.run(list(names), dict(feeds))]
    except Exception as error:
        raise ValueError(f"onnxruntime cannot run the model on these inputs: {error}") from error
