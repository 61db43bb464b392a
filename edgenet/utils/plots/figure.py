"""matplotlib without pyplot: figures that belong to nobody's backend, and their files."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from ..files import replacing

FORMATS = ("png", "svg", "pdf")


def optional(module: str, what: str) -> Any:
    """A module of an optional package.  Raises ImportError, saying how to install it, where it is not there."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise
        raise ImportError(f'{what} needs the package {package}: pip install "edgenet[plot]"') from error


def new_figure(what: str, width: float, height: float, **options: Any) -> Any:
    """An empty matplotlib figure of a size in inches, with a canvas of its own."""
    figure = optional("matplotlib.figure", what).Figure(figsize=(width, height), **options)
    optional("matplotlib.backends.backend_agg", what).FigureCanvasAgg(figure)
    return figure


def check_file(path: str | os.PathLike[str] | None, what: str) -> str:
    """The format of a file by its ending, ``"png"`` where it has none.

    Raises:
        ValueError: for another ending.
        FileNotFoundError: if its folder does not exist.
    """
    if path is None:
        return FORMATS[0]
    ending = Path(path).suffix[1:].lower() or FORMATS[0]
    if ending not in FORMATS:
        names = ", ".join(f".{f}" for f in FORMATS)
        raise ValueError(f"{what}: to_file={os.fspath(path)!r} should end in one of {names}")
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"{what}: there is no folder {str(Path(path).parent)!r}: make it first")
    return ending


def write(figure: Any, path: str | os.PathLike[str] | None, what: str, dpi: float) -> None:
    """Write the figure; text stays text in SVG, and the same figure gives the same file."""
    ending = check_file(path, what)
    if path is None:
        return
    settings = {"svg.fonttype": "none", "svg.hashsalt": "edgenet", "pdf.fonttype": 42}
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[ending]
    with optional("matplotlib", what).rc_context(settings), replacing(path) as file:
        figure.savefig(file, format=ending, dpi=dpi, metadata=metadata)
