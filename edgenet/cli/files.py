"""What the commands on models share: which files they take, options for inputs, and tables."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import edgenet

from . import positive

Shapes = dict[str, tuple[int, ...]]

#: dtypes of ONNX by the name a session gives them
DTYPES = {"float": "float32", "double": "float64"}


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model, and the shapes of its inputs."""
    parser.add_argument("model", metavar="MODEL", help="an ONNX file, a Keras file, or one of model.save")
    parser.add_argument(
        "--shape", action="append", type=_shape, default=[], metavar="NAME=1,3,224,224",
        help="shape of an input, where the model leaves sizes open (NAME= may be left out if there is one input)",
    )  # fmt: skip


def add_inputs(parser: argparse.ArgumentParser, required: bool) -> None:
    """Arrays for the inputs."""
    parser.add_argument(
        "--input", action="append", type=_named, default=[], required=required, metavar="NAME=FILE",
        help="a .npy file for an input, or a .npz file for all (NAME= may be left out if there is one input)",
    )  # fmt: skip


def add_threads(parser: argparse.ArgumentParser) -> None:
    """The number of threads."""
    parser.add_argument("--threads", type=positive, help="number of threads (default: all cores this process may use)")


def opened(path: str) -> Any:
    """The model of a file as a ModelProto; other formats are written as ONNX, in memory.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is none of a model.
        ImportError: if a package is missing.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a folder: expected the file of a model")
    files, writer = converters("files", "writer")
    if Path(path).suffix.lower() == ".onnx":
        return files.as_model(path)
    return writer.write(edgenet.load_model(path, compile=False).graph())


def converters(*names: str) -> list[Any]:
    """Modules of the ONNX converters.  Raises ImportError if onnx is not installed."""
    from importlib import import_module

    try:
        return [import_module(f"edgenet.converters.onnx.{name}") for name in names]
    except ModuleNotFoundError as error:
        raise ImportError(f'the package {error.name} is missing: pip install "edgenet[onnx]"') from error


def shapes(given: Sequence[tuple[str, tuple[int, ...]]], names: Sequence[str]) -> Shapes:
    """Shapes by input name.  Raises ValueError for one without a name, if there are several inputs."""
    return dict((_input(name, names, "shape"), shape) for name, shape in given)


def arrays(given: Sequence[tuple[str, str]], inputs: Sequence[Any]) -> dict[str, np.ndarray]:
    """Arrays by input name, from files, in the dtypes that the model declares.

    Raises:
        ValueError: if a file holds no arrays, or they do not fit the inputs.
    """
    names = [i.name for i in inputs]
    found: dict[str, np.ndarray] = {}
    for name, path in given:
        held = _read(path)
        if isinstance(held, np.ndarray):
            found[_input(name, names, "file")] = held
        elif name:
            if len(held) != 1:
                raise ValueError(f"{path} holds {len(held)} arrays, {sorted(held)}: name an .npy file for {name!r}")
            found[_input(name, names, "file")] = next(iter(held.values()))
        elif set(held) <= set(names):
            found.update(held)
        elif len(held) == len(names):
            found.update(zip(names, held.values(), strict=True))
        else:
            raise ValueError(f"{path} holds the arrays {sorted(held)}, but the inputs are {names}")
    missing = [f"{i.name!r} {i.type} {i.shape}" for i in inputs if i.name not in found]
    if missing:
        raise ValueError(f"no array is given for the input {', '.join(missing)}: pass --input NAME=FILE")
    return {i.name: _cast(found[i.name], i) for i in inputs}


def _read(path: str) -> np.ndarray | dict[str, np.ndarray]:
    """The array of an .npy file, or those of an .npz file by name."""
    try:
        held = np.load(path, allow_pickle=False)
        return held if isinstance(held, np.ndarray) else {name: held[name] for name in held.files}
    except (EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no .npy or .npz file of numbers: {error}") from None


def _cast(array: np.ndarray, info: Any) -> np.ndarray:
    kind = info.type.removeprefix("tensor(").removesuffix(")")
    kind = np.dtype(DTYPES.get(kind, kind)) if kind in DTYPES or kind in np.sctypeDict else array.dtype
    if not np.can_cast(array.dtype, kind, "same_kind"):
        raise ValueError(f"the input {info.name!r} is {kind}, but the file holds {array.dtype}")
    return array.astype(kind, copy=False)


def _input(name: str, names: Sequence[str], what: str) -> str:
    if name in names:
        return name
    if not name and len(names) == 1:
        return names[0]
    wrong = f"there is no input {name!r}" if name else f"a {what} without a name fits no single input"
    raise ValueError(f"{wrong}: the inputs are {list(names)}")


def _named(text: str) -> tuple[str, str]:
    name, mark, value = text.rpartition("=")
    if Path(text).exists():  # a file whose name holds "="
        return "", text
    return (name, value) if mark else ("", text)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, sizes = text.rpartition("=")
    try:
        shape = tuple(int(s) for s in sizes.replace("x", ",").strip("()[] ").split(",") if s.strip())
    except ValueError:
        shape = (-1,)
    if any(s < 0 for s in shape):
        raise argparse.ArgumentTypeError(f"expected sizes like NAME=1,3,224,224, got {text!r}")
    return name, shape


# text ----------------------------------------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Rows under a header; the columns `right` hold numbers."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    right = set(right)
    return "\n".join(
        "  ".join(f"{c:>{w}}" if i in right else f"{c:<{w}}" for i, (c, w) in enumerate(zip(x, widths, strict=True)))
        for x in ([line[i][: widths[i]] for i in range(len(line))] for line in lines)
    )


def size_text(n: float) -> str:
    """A number of bytes.

    >>> size_text(1536), size_text(3 << 20)
    ('1.5 KiB', '3.0 MiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if n < 1024:
            return f"{n:.0f} B" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:.1f} GiB"


def shape_text(shape: Sequence[Any] | None) -> str:
    """A shape, with "?" for what is not known."""
    return "?" if shape is None else f"[{', '.join('?' if d is None else str(d) for d in shape)}]"
