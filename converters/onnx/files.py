"""Models as files and bytes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import onnx

from .errors import UnsupportedModelError
from .external import read_external

#: messages in messages; protobuf itself reads no more of them from a file
DEEPEST = 100
#: what a model may be given as
Source = onnx.ModelProto | bytes | str | os.PathLike[str]


def as_model(source: Source) -> onnx.ModelProto:
    """The model in a ModelProto, in bytes, or in a file with the weights that lie beside it.

    Raises:
        UnsupportedModelError: if the bytes are not an ONNX model.
        OSError: if the file cannot be read.
    """
    if isinstance(source, onnx.ModelProto):
        return _checked(source, "the model")
    if isinstance(source, bytes | bytearray | memoryview):
        return _decoded(bytes(source), "the bytes")
    path = Path(source)
    model = _decoded(path.read_bytes(), f"the file {path}")
    try:
        problems = read_external(model, path.parent)
    except RecursionError:
        problems = ["it is nested too deeply"]
    if problems:
        raise UnsupportedModelError(f"the weights of the file {path} cannot be read", problems)
    return model


def _decoded(data: bytes, what: str) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        reason = f"they cannot be decoded ({error}); is the file complete?"
        raise UnsupportedModelError(
            f"{what} are no ONNX model" if what == "the bytes" else f"{what} is no ONNX model", [reason]
        ) from None
    if not model.HasField("graph"):
        raise UnsupportedModelError(f"{what} hold no ONNX model", ["there is no graph in it"])
    return _checked(model, what)


def _checked(model: onnx.ModelProto, what: str) -> onnx.ModelProto:
    """The model, all of whose names are text: protobuf hands out as bytes what is no UTF-8."""
    if wrong := _no_text(model):
        raise UnsupportedModelError(f"{what} cannot be read as an ONNX model", [wrong])
    return model


def _no_text(message: Any, depth: int = 0) -> str:
    """The first name in a message that is no text, as a sentence; empty if there is none."""
    if depth > DEEPEST:
        return "it is nested too deeply"
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if hasattr(value, "ListFields") else value:
                if wrong := _no_text(inner, depth + 1):
                    return wrong
        elif field.type == field.TYPE_STRING:
            for text in value if not isinstance(value, str | bytes) else [value]:
                if isinstance(text, bytes):
                    return f"its {field.name} {text[:40]!r} is no text; is the file damaged?"
    return ""


def save_model(model: onnx.ModelProto, path: str | os.PathLike[str]) -> None:
    """Write a file under a temporary name and give it its own name when it is complete."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(model.SerializeToString())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
