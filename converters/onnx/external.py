"""Weights that lie in files beside the model: read them, and trust nothing that is said about them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from .frame import subgraphs


def read_external(model: onnx.ModelProto, folder: Path) -> list[str]:
    """Put the contents of other files into the model; returns what is wrong, one sentence for each tensor.

    A file must lie in the folder of the model (or below it), hold as many bytes as the model says, and these must be
    as many as the shape takes.
    """
    problems = []
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            try:
                tensor.raw_data = _content(tensor, folder)
            except (ValueError, OSError) as error:
                problems.append(f"the weights {tensor.name!r}: {error}")
                continue
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
    return problems


def _tensors(graph: Any) -> Iterator[Any]:
    """All tensors of a graph: initialisers and attributes, those of inner graphs too."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        for inner in subgraphs(node):
            yield from _tensors(inner)


def _content(tensor: Any, folder: Path) -> bytes:
    told = {entry.key: entry.value for entry in tensor.external_data}
    path = _inside(told.get("location", ""), folder)
    wanted = _size_bytes(tensor)
    offset, length = _number(told, "offset", 0), _number(told, "length", wanted)
    if length != wanted:
        raise ValueError(f"the file says {length} bytes, but the shape {list(tensor.dims)} takes {wanted}")
    held = path.stat().st_size
    if offset + length > held:
        raise ValueError(f"bytes {offset} to {offset + length} are wanted of {path.name!r}, which has {held}")
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _inside(location: str, folder: Path) -> Path:
    """The file of a location, which must not lead out of the folder."""
    if not location or "\0" in location:
        raise ValueError(f"they lie in another file, but its name is {location!r}")
    root = folder.resolve()
    path = (root / location).resolve()
    if Path(location).is_absolute() or root not in path.parents:
        raise ValueError(f"the file {location!r} lies outside of the folder of the model: copy it there")
    if not path.is_file():
        raise ValueError(f"there is no file {location!r} beside the model")
    return path


def _number(told: dict[str, str], key: str, default: int) -> int:
    text = told.get(key, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(f"its {key} should be a number of bytes, got {text!r}")
    return int(text)


def _size_bytes(tensor: Any) -> int:
    """The bytes that the elements of a tensor take; two numbers of four bits share one."""
    if any(d < 0 for d in tensor.dims):
        raise ValueError(f"its shape {list(tensor.dims)} holds a negative size")
    name = onnx.TensorProto.DataType.Name(tensor.data_type)
    bits = next((n for n in (2, 4) if name.endswith(f"INT{n}") or name.startswith(f"FLOAT{n}")), 0)
    if not bits:
        try:
            bits = 8 * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        except (KeyError, TypeError):
            raise ValueError(f"its data type {name} cannot lie in a file") from None
    return (math.prod(int(d) for d in tensor.dims) * bits + 7) // 8
