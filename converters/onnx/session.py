"""`InferenceSession`: run ONNX models with the calls that scripts for onnxruntime make."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx

from edgenet.compile.program import Program, Slot
from edgenet.graph import ShapeError
from edgenet.kernels.parallel import num_threads

from .errors import UnsupportedModelError
from .files import Source, as_model
from .frame import Frame, declared_shape
from .kinds import Kind, of_number
from .plan import Plan
from .profile import Memory, Profile, memory, profile

CPU = "CPUExecutionProvider"


class NodeArg(NamedTuple):
    """An input or output of a model."""

    name: str
    shape: list[Any]
    """sizes; a name, or None, where the model leaves one open"""
    type: str
    """for example ``"tensor(float)"``"""


class ModelMetadata(NamedTuple):
    """What a model says about itself."""

    producer_name: str
    graph_name: str
    domain: str
    description: str
    version: int
    custom_metadata_map: dict[str, str]


class InferenceSession:
    """An ONNX model, ready to run.

    What is arithmetic in float32 is compiled when the first arrays of a shape come (float16 is computed in float32
    too); everything else NumPy evaluates.  Results have the dtypes that the model declares.  A session may be used from
    several Python threads.

    Args:
        model: the path of a file, its bytes, or a ModelProto.
        sess_options: options of onnxruntime; of them ``intra_op_num_threads`` is used.
        providers: accepted for the sake of scripts; a warning says so where the CPU is not among them.
        threads: number of threads; by default `edgenet.get_num_threads()`.
        ignored: other keywords of onnxruntime, which a warning names.

    Raises:
        UnsupportedModelError: lists everything that makes the model impossible to run.
        ValueError: if `threads` is not a number from 1 to 256.

    >>> from onnx.parser import parse_model
    >>> session = InferenceSession(parse_model('''
    ...     <ir_version: 8, opset_import: ["": 17]>
    ...     net (float[N, 2] x) => (float[N, 2] y, int64[N] best) { y = Relu(x)  best = ArgMax<axis=1, keepdims=0>(x) }
    ... '''))
    >>> session.get_inputs()
    [NodeArg(name='x', shape=['N', 2], type='tensor(float)')]
    >>> session.run(["y"], {"x": np.array([[-1, 3]], np.float32)})
    [array([[0., 3.]], dtype=float32)]
    """

    def __init__(
        self, model: Source, sess_options: Any = None, providers: Sequence[Any] | None = None, *,
        threads: int | None = None, **ignored: Any,
    ) -> None:  # fmt: skip
        if threads is None and sess_options is not None:
            asked = int(getattr(sess_options, "intra_op_num_threads", 0))
            threads = asked if asked > 0 else None
        if threads is not None and not 1 <= threads <= 256:
            raise ValueError(f"InferenceSession: threads must be a number between 1 and 256, got {threads!r}")
        named = [p if isinstance(p, str) else p[0] for p in providers or [CPU]]
        if CPU not in named:
            warnings.warn(f"InferenceSession runs on the CPU, not on {', '.join(named)}", stacklevel=2)
        if ignored:
            warnings.warn(f"InferenceSession ignores {', '.join(ignored)}, which are onnxruntime's", stacklevel=2)
        self.threads = threads
        model = as_model(model)
        what = f"the ONNX model {model.graph.name!r} cannot be run"
        try:
            frame = Frame.of(model)
            problems = [*frame.problems, *_no_tensors(frame.inputs), *frame.missing()]
        except RecursionError:
            raise UnsupportedModelError(what, ["it is nested too deeply"]) from None
        if problems:
            raise UnsupportedModelError(what, list(dict.fromkeys(problems)))
        self._inputs, self._outputs = [_Declared.of(i) for i in frame.inputs], [_Declared.of(o) for o in frame.outputs]
        notes = {p.key: p.value for p in model.metadata_props}
        self._told = ModelMetadata(
            model.producer_name, model.graph.name, model.domain, model.doc_string, model.model_version, notes
        )
        self._output_names = [o.name for o in self._outputs]
        self._plan = Plan(frame)
        self._again: tuple[Program, list[Slot]] | None = None
        """the program that the last run consisted of, if there was nothing else to it"""

    # what the model says ---------------------------------------------------------------------------------------------

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that `run` wants."""
        return [i.node_arg() for i in self._inputs]

    def get_outputs(self) -> list[NodeArg]:
        """What `run` returns."""
        return [o.node_arg() for o in self._outputs]

    def get_providers(self) -> list[str]:
        """Where models run."""
        return [CPU]

    def get_modelmeta(self) -> ModelMetadata:
        """Who made the model, and what it is called."""
        return self._told

    # running ---------------------------------------------------------------------------------------------------------

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: Any = None
    ) -> list[np.ndarray]:
        """The outputs for one array for each input.

        Args:
            output_names: which outputs; None for all.
            input_feed: arrays by name.  The first axis may have any size, the others have those of the model.
            run_options: ignored.

        Raises:
            ValueError: if an input is missing, or a name is unknown.
            TypeError: if an array has another dtype than the model says.
            ShapeError: if it has another shape.
            UnsupportedModelError: lists the nodes that cannot be computed for inputs of these shapes.
            EvaluationError: if a node cannot be computed on these numbers.
        """
        picked = self._picked(output_names) if output_names else None
        results, again = None, self._again
        if again is not None and type(input_feed) is dict and len(input_feed) == len(again[1]):
            results = again[0].repeat(input_feed, again[1], self.threads)
        if results is None:
            results = self._planned(input_feed)
        return results if picked is None else [results[i] for i in picked]

    def _planned(self, given: Mapping[str, Any]) -> list[np.ndarray]:
        """All outputs, by way of the plan, which knows arrays of any shapes."""
        feeds = self._feeds(given)
        with self._threaded():
            arrays = self._plan.run(feeds)
        results = [o.cast(a) for o, a in zip(self._outputs, arrays, strict=True)]
        whole, self._again = self._plan.whole(feeds), None
        if whole is not None and all(r is a for r, a in zip(results, arrays, strict=True)):
            slots = whole.program.slots(whole.reads)
            if all(feeds[name].dtype == dtype for name, _, _, dtype in slots):
                self._again = whole.program, slots
        return results

    def _picked(self, names: Sequence[str]) -> list[int]:
        """Numbers of outputs."""
        unknown = [n for n in names if n not in self._output_names]
        if unknown:
            raise ValueError(
                f"there is no output {', '.join(map(repr, unknown))}: the outputs are {self._output_names}"
            )
        return [self._output_names.index(n) for n in names]

    def profile(self, input_feed: Mapping[str, Any], repeats: int = 20) -> Profile:
        """Where the time of a run goes, node by node, on one thread; prints as a table.

        Args:
            input_feed: arrays by name, as for `run`, which raises the same errors.
            repeats: runs whose median counts.
        """
        return profile(self._plan, self._feeds(input_feed), repeats)

    def memory(self) -> Memory:
        """What the session holds for the shapes that it has met; prints as a table."""
        return memory(self._plan)

    def _threaded(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.threads is None else num_threads(self.threads)

    def _feeds(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The arrays, checked against what the model declares."""
        if not isinstance(given, Mapping):
            raise TypeError(f"expected a dictionary of arrays by input name, got {type(given).__name__}")
        names = [i.name for i in self._inputs]
        missing, unknown = [n for n in names if n not in given], [n for n in given if n not in names]
        if missing or unknown:
            said = [f"{', '.join(map(repr, m))} {w}" for m, w in ((missing, "missing"), (unknown, "unknown")) if m]
            raise ValueError(f"expected the inputs {names}, got {list(given)}: {' and '.join(said)}")
        return {i.name: i.checked(given[i.name]) for i in self._inputs}


class _Declared(NamedTuple):
    """What a model says of an input or output."""

    name: str
    kind: Kind | None
    shape: list[Any] | None
    type: str

    @staticmethod
    def of(info: Any) -> _Declared:
        number = info.type.tensor_type.elem_type
        named = onnx.TensorProto.DataType.Name(number).lower() if number in onnx.TensorProto.DataType.values() else "?"
        return _Declared(info.name, of_number(number) if number else None, declared_shape(info), f"tensor({named})")

    def node_arg(self) -> NodeArg:
        return NodeArg(self.name, list(self.shape or []), self.type)

    def cast(self, array: np.ndarray) -> np.ndarray:
        """A result in the dtype declared."""
        return array if self.kind is None or array.dtype == self.kind else array.astype(self.kind)

    def checked(self, given: Any) -> np.ndarray:
        """An array as declared; lists and numbers are taken for arrays of that dtype."""
        array = np.asarray(given) if isinstance(given, np.ndarray | np.generic) else np.asarray(given, self.kind)
        if self.kind is not None and array.dtype != self.kind:
            advice = f"convert it by .astype({str(self.kind)!r})"
            raise TypeError(f"the input {self.name!r}: expected {self.kind}, got {array.dtype}; {advice}")
        if self.shape is not None:
            sizes = array.shape
            fits = len(sizes) == len(self.shape)
            if not fits or any(isinstance(d, int) and d != s for d, s in zip(self.shape[1:], sizes[1:], strict=True)):
                raise ShapeError(f"the input {self.name!r}: expected shape {self.shape}, got {list(sizes)}")
        return array


def node_arg(info: Any) -> NodeArg:
    """What a session says of an input or output."""
    return _Declared.of(info).node_arg()


def _no_tensors(infos: Sequence[Any]) -> list[str]:
    return [
        f"the input {i.name!r} is no tensor: {i.type.WhichOneof('value') or 'no type'}"
        for i in infos
        if not i.type.HasField("tensor_type")
    ]
