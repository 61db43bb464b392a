"""Which dtype ONNX gives to the outputs of a node: its schema says it in terms of the inputs and attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

Kind = np.dtype[Any]
FLOAT = np.dtype(np.float32)
#: attributes that name the dtype of the result
NAMED = ("to", "dtype", "output_dtype", "output_datatype")


def of_number(number: int) -> Kind | None:
    """The NumPy dtype of a data type of ONNX; None where there is none."""
    try:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number))
    except (KeyError, TypeError, ValueError):
        return None


def output_kinds(proto: Any, domain: str, opset: int, inputs: Sequence[Kind | None]) -> list[Kind | None]:
    """The dtypes of the outputs, given those of the inputs; None where nothing tells.

    >>> node = onnx.helper.make_node("ArgMax", ["x"], ["y"])
    >>> output_kinds(node, "", 17, [np.dtype(np.float16)])
    [dtype('int64')]
    """
    try:
        schema = onnx.defs.get_schema(proto.op_type, max_inclusive_version=opset, domain=domain)
    except onnx.defs.SchemaError:
        return [None] * len(proto.output)
    free: dict[str, Kind] = {}
    for i, kind in enumerate(inputs):
        formal = schema.inputs[min(i, len(schema.inputs) - 1)] if schema.inputs else None
        if formal is not None and kind is not None:
            free.setdefault(formal.type_str, kind)
    named = next((of_number(a.i) for a in proto.attribute if a.name in NAMED and a.i), None)
    found: list[Kind | None] = []
    for i in range(len(proto.output)):
        formal = schema.outputs[min(i, len(schema.outputs) - 1)] if schema.outputs else None
        found.append(None if formal is None else free.get(formal.type_str) or _fixed(schema, formal.type_str) or named)
    return found


def _fixed(schema: Any, name: str) -> Kind | None:
    """The dtype that a type of a schema stands for, where it is a single one."""
    allowed = next((list(c.allowed_type_strs) for c in schema.type_constraints if c.type_param_str == name), [name])
    if len(allowed) != 1 or not allowed[0].startswith("tensor("):
        return None
    return of_number(getattr(onnx.TensorProto, allowed[0][7:-1].upper(), 0))
