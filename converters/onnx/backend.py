"""The backend interface of onnx (`onnx.backend.base`): prepare a model once, run it on arrays.

Example:
    >>> import numpy as np
    >>> from onnx.parser import parse_model
    >>> model = parse_model('<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }')
    >>> prepare(model).run([np.array([-1, 0, 2], np.float32)])
    [array([0., 0., 2.], dtype=float32)]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend as _Backend
from onnx.backend.base import BackendRep

from edgenet.graph import ShapeError

from .errors import UnsupportedModelError
from .files import Source, as_model
from .session import InferenceSession


class EdgenetRep(BackendRep):
    """A prepared model: a session whose inputs come in the order of the model."""

    def __init__(self, model: Source) -> None:
        self.model = as_model(model)
        self.session = InferenceSession(self.model)
        self.input_names = [i.name for i in self.session.get_inputs()]
        self.output_names = [o.name for o in self.session.get_outputs()]

    def run(self, inputs: Any, **kwargs: Any) -> Any:
        """Outputs for the inputs: a sequence in the order of the model, a mapping by name, or a single array.

        Raises:
            ShapeError: if the number of inputs is wrong, or a name is unknown; else as `InferenceSession.run`.
        """
        if isinstance(inputs, Mapping):
            if set(inputs) != set(self.input_names):
                raise ShapeError(f"expected the inputs {self.input_names}, got {list(inputs)}")
            return self.session.run(None, inputs)
        if not isinstance(inputs, Sequence):
            inputs = [inputs]
        if len(inputs) != len(self.input_names):
            raise ShapeError(f"expected {len(self.input_names)} inputs {self.input_names}, got {len(inputs)}")
        return self.session.run(None, dict(zip(self.input_names, inputs, strict=True)))


class Backend(_Backend):
    """edgenet as a backend of onnx."""

    @classmethod
    def is_compatible(cls, model: Source, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether a model can be run, as far as it tells before the first inputs come."""
        try:
            cls.prepare(model, device)
        except (UnsupportedModelError, ShapeError):
            return False
        return True

    @classmethod
    def prepare(cls, model: Source, device: str = "CPU", **kwargs: Any) -> EdgenetRep:
        """Read a model: a ModelProto, its bytes, or the path of its file.  It is compiled when the first inputs come.

        Raises:
            UnsupportedModelError: lists everything in the model that cannot be taken over.
            ValueError: if the device is not the CPU.
        """
        if not cls.supports_device(device):
            raise ValueError(f"expected the device CPU, got {device!r}")
        return EdgenetRep(model)

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


is_compatible = Backend.is_compatible
prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
