"""A model as a picture, and as text for Graphviz."""

from __future__ import annotations

import os
from typing import Any

from . import drawing
from .figure import check_file, optional, write
from .outline import Box, Outline, Show, outline

RANKDIRS = ("TB", "LR", "BT", "RL")


def plot_model(
    model: Any, to_file: str | os.PathLike[str] | None = "model.png", show_shapes: bool = False,
    show_dtype: bool = False, show_layer_names: bool = False, rankdir: str = "TB", expand_nested: bool = False,
    dpi: float = 200, show_layer_activations: bool = False, show_trainable: bool = False,
) -> Any:  # fmt: skip
    """Draw a model: a box for each input and each call of a layer, arrows between them.

    Needs ``pip install "edgenet[plot]"``; the program ``dot`` is not needed.

    Args:
        model: a `Model` or `Sequential` which knows its input shape.
        to_file: a name that ends in ``.png``, ``.svg`` or ``.pdf``; None for no file.
        show_shapes: whether boxes tell the shapes of what goes in and comes out.
        show_dtype: whether they tell the dtype of what comes out.
        show_layer_names: whether they tell the name of the layer beside its class.
        rankdir: where arrows go: ``"TB"`` top to bottom, ``"LR"`` left to right, ``"BT"``, ``"RL"``.
        expand_nested: whether the layers of a model inside of the model are drawn.
        dpi: dots per inch of a PNG file.
        show_layer_activations: whether boxes tell the activation.
        show_trainable: whether they tell if training changes any of the layer's weights.

    Returns:
        the matplotlib figure.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: if the model does not know its input shape, or an argument is none of those above.

    >>> import tempfile, pathlib
    >>> from edgenet import Input, Sequential, layers
    >>> model = Sequential([Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")])
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.svg")
    >>> figure = plot_model(model, path, show_shapes=True, show_layer_names=True)
    >>> "Output shape: (None, 10)" in path.read_text()
    True
    """
    show = Show(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, nested=expand_nested)
    drawn = outline(model, show, "plot_model")
    check_file(to_file, "plot_model")
    figure = drawing.draw(drawn, _direction(rankdir, "plot_model"))
    write(figure, to_file, "plot_model", dpi)
    return figure


def model_to_dot(
    model: Any, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True,
    rankdir: str = "TB", expand_nested: bool = False, dpi: float = 200, subgraph: bool = False,
    show_layer_activations: bool = False, show_trainable: bool = False,
) -> Any:  # fmt: skip
    """The model as a ``pydot.Dot``, whose ``to_string()`` is text for Graphviz.

    Needs ``pip install "edgenet[plot]"``.  Arguments are those of `plot_model`; with `subgraph` it is a
    ``pydot.Cluster``.

    Raises:
        ImportError: if pydot is not installed.
        ValueError: if the model does not know its input shape.

    >>> from edgenet import Input, Sequential, layers
    >>> model = Sequential([Input((4,), name="x"), layers.Dense(3, name="head")], name="net")
    >>> graph = model_to_dot(model)
    >>> [node.get_label() for node in graph.get_nodes() if node.get_label()]
    ['"x (InputLayer)"', '"head (Dense)"']
    """
    pydot = optional("pydot", "model_to_dot")
    show = Show(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, nested=expand_nested)
    drawn = outline(model, show, "model_to_dot")
    _direction(rankdir, "model_to_dot")
    names = {id(box): f"n{i}" for i, box in enumerate(drawn.every_box())}
    if subgraph:
        graph = pydot.Cluster("model", label=_quoted(drawn.name), style="dashed")
    else:
        graph = pydot.Dot(_quoted(drawn.name), graph_type="digraph", rankdir=rankdir, dpi=str(dpi), concentrate="true")
    graph.set_node_defaults(shape="box", fontname="Helvetica")
    _fill(pydot, graph, drawn, names)
    return graph


def _fill(pydot: Any, graph: Any, drawn: Outline, names: dict[int, str]) -> None:
    """Add the boxes and arrows of an outline."""
    for box in drawn.boxes:
        if box.inside is None:
            label = "\\n".join(_escaped(line) for line in [box.title, *box.lines])
            graph.add_node(pydot.Node(names[id(box)], label=f'"{label}"'))
        else:
            cluster = pydot.Cluster(names[id(box)], label=_quoted(box.title), style="dashed")
            _fill(pydot, cluster, box.inside, names)
            graph.add_subgraph(cluster)
    for a, b in drawn.arrows:
        for tail in _ends(a):
            for head in _starts(b, drawn, a):
                graph.add_edge(pydot.Edge(names[id(tail)], names[id(head)]))


def _ends(box: Box) -> list[Box]:
    """The plain boxes that an arrow from `box` leaves."""
    return [box] if box.inside is None else [plain for end in box.inside.ends for plain in _ends(end)]


def _starts(box: Box, drawn: Outline, before: Box) -> list[Box]:
    """The plain boxes that the arrow from `before` to `box` reaches: of a model, the input of the arrow's number."""
    if box.inside is None:
        return [box]
    number = [a for a, b in drawn.arrows if b is box].index(before)
    return [box.inside.starts[min(number, len(box.inside.starts) - 1)]]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _direction(rankdir: str, what: str) -> str:
    if rankdir not in RANKDIRS:
        raise ValueError(f"{what}: rankdir must be one of {', '.join(RANKDIRS)}, got {rankdir!r}")
    return rankdir
