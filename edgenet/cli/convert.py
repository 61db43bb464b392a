"""``edgenet convert``: write a model in another format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import edgenet

from .files import converters, shapes, size_text

#: the formats, by the ends of names
OWN, KERAS = (".edgenet",), (".keras", ".h5", ".hdf5")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    from .files import add_model

    add_model(parser)
    parser.add_argument("output", metavar="OUT", help="a name that ends in .onnx, .keras, .h5 or .edgenet")
    parser.add_argument("--opset", type=int, default=17, help="opset of an ONNX file (default: %(default)s)")
    parser.add_argument(
        "--layout", choices=("NHWC", "NCHW"),
        help="how images stand in an ONNX file that is written, or in the model that is made of one",
    )  # fmt: skip
    parser.add_argument(
        "--no-check", action="store_true", help="do not compare an ONNX file with the model in onnxruntime"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, target = Path(options.model), Path(options.output)
    end = target.suffix.lower()
    if end not in (".onnx", *OWN, *KERAS):
        raise ValueError(
            f"the format is told by the end of a name, .onnx, .keras, .h5 or .edgenet: got {target.name!r}"
        )
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: there is no folder {target.parent}")
    if source.suffix.lower() == ".onnx" and end == ".onnx":
        _rewrite(options)
    else:
        model = _model(options, source)
        if end == ".onnx":
            model.export(target, opset=options.opset, layout=options.layout or "NHWC", check=not options.no_check)
        else:
            model.save(target)
    print(f"{target}: {size_text(target.stat().st_size)}")
    return 0


def _model(options: argparse.Namespace, source: Path) -> Any:
    if source.suffix.lower() != ".onnx":
        return edgenet.load_model(source)
    frame, files, layers = converters("frame", "files", "layers")
    proto = files.as_model(source)
    given = shapes(options.shape, [i.name for i in frame.graph_inputs(proto.graph)])
    if options.layout == "NCHW":
        raise ValueError("--layout NCHW is for ONNX files that are written: models hold images as (n, h, w, c)")
    return layers.load(proto, given, options.layout)


def _rewrite(options: argparse.Namespace) -> None:
    """ONNX to ONNX: read into a graph and written again."""
    if options.layout:
        raise ValueError("--layout has no meaning from ONNX to ONNX: inputs and outputs stay as they are")
    frame, files = converters("frame", "files")
    from edgenet.converters import onnx

    proto = files.as_model(options.model)
    graph = onnx.read(proto, shapes(options.shape, [i.name for i in frame.graph_inputs(proto.graph)]))
    onnx.save(graph, options.output, opset=options.opset, check=not options.no_check)
