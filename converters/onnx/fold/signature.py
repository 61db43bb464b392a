"""Which inputs an operator takes: how many, and of which dtypes, as the schema of onnx has it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import onnx

from ..errors import Refused
from ..node import OnnxNode

_NAMES = {"float32": "float", "float64": "double", "object": "int64"}  # objects are sizes, some of them names


class _Formal(NamedTuple):
    """One input of an operator."""

    variable: str
    """inputs of one variable have one dtype"""
    allowed: frozenset[str]
    required: bool


class _Signature(NamedTuple):
    formals: tuple[_Formal, ...]
    least: int
    most: int


@lru_cache(maxsize=1024)
def _signature(op: str, opset: int) -> _Signature | None:
    try:
        schema, newest = onnx.defs.get_schema(op, opset, ""), onnx.defs.get_schema(op)
    except onnx.defs.SchemaError:
        return None
    if schema.deprecated and not schema.inputs:  # the last version that had some still tells
        schema = newest = onnx.defs.get_schema(op, schema.since_version - 1, "")
    formals = []
    for i, formal in enumerate(schema.inputs):
        later = newest.inputs[i].types if i < len(newest.inputs) and not newest.deprecated else ()
        allowed = frozenset(t[len("tensor(") : -1] for t in {*formal.types, *later} if t.startswith("tensor("))
        options = onnx.defs.OpSchema.FormalParameterOption
        variadic = formal.option == options.Variadic
        variable = "" if variadic and not formal.is_homogeneous else formal.type_str
        formals.append(_Formal(variable, allowed, formal.option == options.Single))
    return _Signature(tuple(formals), schema.min_input, schema.max_input)


def check_inputs(node: OnnxNode) -> None:
    """Refuse a node whose inputs are too few, too many, or of dtypes that the operator does not take.

    What a later version of the operator takes is taken in every version.
    """
    signature = _signature(node.op, node.opset)
    if signature is None:
        return
    given = len(node.inputs)
    if not signature.least <= given <= signature.most:
        most = "" if signature.most == signature.least else f" to {signature.most}"
        raise Refused(f"expected {signature.least}{most} inputs, got {given}")
    bound: dict[str, np.dtype[Any]] = {}
    for i, tensor in enumerate(node.inputs):
        formal = signature.formals[min(i, len(signature.formals) - 1)]
        if tensor is None and formal.required:
            raise Refused(f"input {i} is missing")
        if tensor is None or tensor.array is None:
            continue
        dtype = tensor.array.dtype
        if formal.allowed and _onnx_name(dtype) not in formal.allowed:
            raise Refused(f"input {i} ({node.input_names[i]!r}) is {dtype}, which {node.op} does not take")
        other = bound.setdefault(formal.variable, dtype)
        # what was computed in float32 for float16 still fits a weight of float16
        if other != dtype and object not in (other, dtype) and not (is_float(other) and is_float(dtype)):
            raise Refused(f"input {i} ({node.input_names[i]!r}) is {dtype}, but another is {other}")


@lru_cache(maxsize=64)  # NumPy makes the name anew each time
def _onnx_name(dtype: np.dtype[Any]) -> str:
    name = _NAMES.get(dtype.name, dtype.name.replace("_", ""))
    return {"float8e8m0fnu": "float8e8m0", "float4e2m1fn": "float4e2m1"}.get(name, name)


@lru_cache(maxsize=64)
def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of the dtype are floating point numbers, bfloat16 and those of 8 or 4 bits included."""
    return dtype.kind == "f" or "float" in dtype.name
