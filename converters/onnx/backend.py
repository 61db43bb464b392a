"""The backend interface of onnx (`onnx.backend.base`): prepare a model once, run it on arrays.

Example:
    >>> import numpy as np
    >>> from onnx.parser import parse_model
    >>> model = parse_model('<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }')
    >>> prepare(model).run([np.array([-1, 0, 2], np.float32)])
    [array([0., 0., 2.], dtype=float32)]
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx.backend.base import Backend as _Backend
from onnx.backend.base import BackendRep

from edgenet.compile import Program, compile_graph
from edgenet.graph import ShapeError

from .errors import UnsupportedModelError
from .files import Source, as_model
from .reader import graph_inputs, missing_operators, read

#: compiled programs that a model keeps, one for each combination of input shapes, the least recently used goes first
PROGRAMS = 4
#: elements; a larger input of integers is surely data, and says nothing about shapes
SMALL = 4096


class _Prepared(NamedTuple):
    """A program and the inputs whose contents it holds."""

    program: Program
    by_value: list[int]


class EdgenetRep(BackendRep):
    """A prepared model.  The shapes of the arrays it is run on decide which program runs."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.input_names = [i.name for i in graph_inputs(model)]
        self.output_names = [o.name for o in model.graph.output]
        self._dtypes = [_dtype(o) for o in model.graph.output]
        self._programs: OrderedDict[Any, _Prepared] = OrderedDict()
        self._lock = threading.Lock()
        self._by_value: list[int] = []
        """inputs whose contents programs depend on"""
        shapes = [_fixed_shape(i) for i in graph_inputs(model)]
        integers = any((d := _dtype(info)) is not None and d.kind in "iub" for info in graph_inputs(model))
        if all(s is not None for s in shapes) and not integers:
            self.program([np.empty(s or (), np.float32) for s in shapes])
        elif problems := missing_operators(model):
            raise UnsupportedModelError(f"the ONNX model {model.graph.name!r} cannot be read", problems)

    def program(self, arrays: Sequence[np.ndarray]) -> Program:
        """The program for inputs like these."""
        return self._prepared(arrays).program

    def _prepared(self, arrays: Sequence[np.ndarray]) -> _Prepared:
        with self._lock:
            prepared = self._programs.pop(self._key(arrays), None) or self._compiled(arrays)
            self._programs[self._key(arrays)] = prepared
            while len(self._programs) > PROGRAMS:
                self._programs.popitem(last=False)
        return prepared

    def _key(self, arrays: Sequence[np.ndarray]) -> Any:
        return tuple(a.shape for a in arrays), tuple(arrays[i].tobytes() for i in self._by_value)

    def _compiled(self, arrays: Sequence[np.ndarray]) -> _Prepared:
        shapes = {name: a.shape for name, a in zip(self.input_names, arrays, strict=True)}
        small = [i for i, a in enumerate(arrays) if a.dtype.kind in "iub" and a.size <= SMALL]
        if not self._by_value:
            try:
                return _Prepared(compile_graph(read(self.model, shapes)), [])
            except UnsupportedModelError:
                if not small:
                    raise
        # integers among the inputs may say how to compute: a shape to reshape to, axes to reduce
        program = compile_graph(read(self.model, shapes, {self.input_names[i]: arrays[i] for i in small}))
        self._by_value = small
        return _Prepared(program, small)

    def run(self, inputs: Any, **kwargs: Any) -> Any:
        """Outputs for the inputs: a sequence in the order of the model, a mapping by name, or a single array.

        Raises:
            ShapeError: if the number of inputs is wrong, or a name is unknown.
            UnsupportedModelError: if the model cannot be read with inputs of these shapes.
        """
        if isinstance(inputs, Mapping):
            if set(inputs) != set(self.input_names):
                raise ShapeError(f"expected the inputs {self.input_names}, got {list(inputs)}")
            inputs = [inputs[name] for name in self.input_names]
        elif not isinstance(inputs, Sequence):
            inputs = [inputs]
        arrays = [np.asarray(x) for x in inputs]
        if len(arrays) != len(self.input_names):
            raise ShapeError(f"expected {len(self.input_names)} inputs {self.input_names}, got {len(arrays)}")
        program, by_value = self._prepared(arrays)
        results = program.run(*(a for i, a in enumerate(arrays) if i not in by_value))
        return [r if d is None else r.astype(d, copy=False) for r, d in zip(results, self._dtypes, strict=True)]


class Backend(_Backend):
    """edgenet as a backend of onnx."""

    @classmethod
    def is_compatible(cls, model: Source, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether a model can be read, as far as its own shapes tell."""
        try:
            cls.prepare(model, device)
        except (UnsupportedModelError, ShapeError):
            return False
        return True

    @classmethod
    def prepare(cls, model: Source, device: str = "CPU", **kwargs: Any) -> EdgenetRep:
        """Read and compile a model: a ModelProto, its bytes, or the path of its file.

        A model whose shapes are all known is compiled at once, else when the first inputs come.

        Raises:
            UnsupportedModelError: lists everything in the model that cannot be taken over.
            ValueError: if the device is not the CPU.
        """
        if not cls.supports_device(device):
            raise ValueError(f"expected the device CPU, got {device!r}")
        return EdgenetRep(as_model(model))

    @classmethod
    def run_node(
        cls, node: Any, inputs: Any, device: str = "CPU", outputs_info: Any = None, **kwargs: Any
    ) -> tuple[np.ndarray, ...]:
        """Run a single node of the newest opset (or the one given as `opset_version`) on arrays."""
        arrays = [np.asarray(x) for x in inputs]
        names = [name for name in node.input if name]
        infos = [
            onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in zip(names, arrays, strict=True)
        ]
        outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
        opset = onnx.helper.make_opsetid("", kwargs.get("opset_version", onnx.defs.onnx_opset_version()))
        graph = onnx.helper.make_graph([node], "node", infos, outputs)
        rep = cls.prepare(onnx.helper.make_model(graph, opset_imports=[opset]), device)
        return tuple(rep.run(arrays))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models run there: on the CPU."""
        return device.partition(":")[0].upper() == "CPU"


def _dtype(info: Any) -> np.dtype[Any] | None:
    """The dtype that the model declares for an output."""
    kind = info.type.tensor_type.elem_type
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind)) if kind else None


def _fixed_shape(info: Any) -> tuple[int, ...] | None:
    """The shape of an input where the model fixes all of it."""
    tensor = info.type.tensor_type
    if not tensor.HasField("shape") or not all(d.HasField("dim_value") and d.dim_value >= 0 for d in tensor.shape.dim):
        return None
    return tuple(d.dim_value for d in tensor.shape.dim)


is_compatible = Backend.is_compatible
prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
