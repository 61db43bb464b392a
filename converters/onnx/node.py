"""One node of an ONNX graph, as its importer sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import onnx

from edgenet.graph import Graph, Value

from .arrange import Axes
from .errors import Asked, Refused
from .tensor import Tensor


class OnnxNode:
    """A node with its inputs resolved.  It notes which attributes its importer looks at: the others are refused."""

    def __init__(self, proto: Any, inputs: Sequence[Tensor | None], opset: int, graph: Graph, used: set[str]) -> None:
        self.op: str = proto.op_type
        self.name: str = proto.name or next((o for o in proto.output if o), "")
        self.inputs = list(inputs)
        self.input_names = list(proto.input)
        self.output_names = list(proto.output)
        self.opset = opset
        self.graph = graph
        self._used = used
        self._attributes = {a.name: a for a in proto.attribute}
        self._seen: set[str] = set()

    def refuse(self, reason: str) -> NoReturn:
        """Say why the node cannot be taken over."""
        raise Refused(reason)

    # attributes ------------------------------------------------------------------------------------------------------

    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute, or the default where it is not given."""
        self._seen.add(name)
        if name not in self._attributes:
            return default
        self._check_type(name)
        value = onnx.helper.get_attribute_value(self._attributes[name])
        if isinstance(value, float):  # the number that was meant: 0.2, and not the float32 nearest to it
            return float(str(np.float32(value)))
        if isinstance(default, float) and isinstance(value, int):
            return float(value)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def _check_type(self, name: str) -> None:
        """Refuse an attribute that is of another type than the operator declares; a whole number may stand for 1.0."""
        try:
            declared = onnx.defs.get_schema(self.op, max_inclusive_version=self.opset).attributes.get(name)
        except onnx.defs.SchemaError:
            return
        got, types = self._attributes[name].type, onnx.AttributeProto
        declared_type: Any = None if declared is None else declared.type
        wanted = None if declared_type is None else int(declared_type.value)
        if wanted not in (None, got) and (got, wanted) != (types.INT, types.FLOAT):
            kinds = [types.AttributeType.Name(t) for t in (wanted, got)]
            self.refuse(f"the attribute {name} should be {kinds[0]}, got {kinds[1]}")

    def ints(self, name: str, default: Sequence[int], count: int | None = None) -> tuple[int, ...]:
        """A list of integers, of the given length."""
        values = self.attr(name, tuple(default))
        if not isinstance(values, list | tuple) or not all(isinstance(v, int) for v in values):
            self.refuse(f"the attribute {name} should be a list of integers, got {values!r}")
        if count is not None and len(values) != count:
            self.refuse(f"the attribute {name} should hold {count} numbers, got {list(values)}")
        return tuple(values)

    def only(self, name: str, *values: Any) -> None:
        """Refuse every value of an attribute but the given ones, the first of which is the default."""
        if (got := self.attr(name, values[0])) not in values:
            wanted = " or ".join(map(repr, values))
            self.refuse(f"{name}={got!r} is not supported, only {wanted}")

    def ignore(self, *names: str) -> None:
        """Attributes that change nothing here."""
        self._seen.update(names)

    def unseen(self) -> list[str]:
        """Attributes that nobody has looked at, and that do not only say what holds anyway."""
        return sorted(n for n in set(self._attributes) - self._seen if not self._is_default(n))

    def _is_default(self, name: str) -> bool:
        try:
            schema = onnx.defs.get_schema(self.op, max_inclusive_version=self.opset)
        except onnx.defs.SchemaError:
            return False
        default = schema.attributes[name].default_value if name in schema.attributes else None
        if default is None or default.type != self._attributes[name].type:
            return False
        got, usual = (onnx.helper.get_attribute_value(a) for a in (self._attributes[name], default))
        return bool(got == usual)

    # inputs and outputs ----------------------------------------------------------------------------------------------

    def optional(self, i: int) -> Tensor | None:
        """Input i, or None where it is not given."""
        return self.inputs[i] if i < len(self.inputs) else None

    def input(self, i: int) -> Tensor:
        """Input i, which must be there."""
        tensor = self.optional(i)
        if tensor is None:
            self.refuse(f"input {i} is missing")
        return tensor

    def all_inputs(self) -> list[Tensor]:
        """The inputs of a variadic operator."""
        tensors = [t for t in self.inputs if t is not None]
        if not tensors:
            self.refuse("expected at least one input")
        return tensors

    def known(self, i: int, default: Any = None) -> np.ndarray | Any:
        """Input i as an array; it must not depend on the inputs of the model."""
        tensor = self.optional(i)
        if tensor is None:
            return default
        if tensor.array is None:
            name = self.input_names[i]
            raise Asked(f"input {i} ({name!r}) must be a constant, but it is computed from the inputs", name)
        return tensor.array

    def known_ints(self, i: int, default: Any = None) -> Any:
        """Input i as a tuple of integers (of any shape, flattened); sizes that are not known yet stay names."""
        array = self.known(i)
        if array is None:
            return default
        if array.dtype.kind not in "iuO":
            self.refuse(f"input {i} ({self.input_names[i]!r}) should hold integers, got {array.dtype}")
        return tuple(a if isinstance(a, str) else int(a) for a in array.flat)

    def attr_or_input(self, name: str, i: int, since: int, default: Any = None) -> Any:
        """Integers that were an attribute until they became input i in the version `since` of the opset."""
        if self.opset >= since:
            return self.known_ints(i, default)
        return self.ints(name, ()) if name in self._attributes else default

    def scalar(self, i: int, default: float) -> float:
        """Input i as one number."""
        array = self.known(i)
        if array is None:
            return default
        if array.size != 1 or array.dtype.kind not in "fiub":
            self.refuse(f"input {i} ({self.input_names[i]!r}) should be one number, got shape {list(array.shape)}")
        return float(array.reshape(()))

    def uses_output(self, i: int) -> bool:
        """Whether anything needs output i."""
        return i < len(self.output_names) and self.output_names[i] in self._used

    def only_output(self, what: str) -> None:
        """Refuse a node of which more than output 0 is needed."""
        if any(self.uses_output(i) for i in range(1, len(self.output_names))):
            self.refuse(f"{what} as a second output is not supported")

    def constant(self, array: Any, like: Tensor | None = None) -> Tensor:
        """A tensor known while reading; `like`: it is this tensor, only seen otherwise."""
        weight = like is not None and like.weight
        return Tensor.known(self.graph, like.name if like is not None and weight else "", array, weight)

    def held(self, value: Value, axes: Axes | None = None) -> Tensor:
        """A tensor that a value holds."""
        return Tensor.held(value, axes)
