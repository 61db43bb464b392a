"""Pictures: what they say, how large they are, and that they leave the user's matplotlib alone."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from numpy.testing import assert_allclose

from edgenet import Input, Model, Sequential, layers, metrics, utils
from edgenet.utils.plots import drawing, figure
from edgenet.utils.plots.layered import ACROSS, DOWN, layered, spread
from edgenet.utils.plots.outline import Show, outline

matplotlib = pytest.importorskip("matplotlib")
pydot = pytest.importorskip("pydot")
SVG = "{http://www.w3.org/2000/svg}"


def block(name="block"):
    return Sequential(
        [Input((8, 8, 4)), layers.Conv2D(4, 3, padding="same", name="inner"), layers.ReLU(name="bend")], name=name
    )


def branched():
    """Two inputs, a model inside, a skip connection, three branches, two outputs."""
    x, k = Input((8, 8, 3), name="image"), Input((4,), name="numbers")
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
    b = layers.Add(name="skip")([a, block()(a)])
    arms = [layers.Conv2D(2, 1, name=f"arm{i}")(b) for i in range(3)]
    c = layers.Flatten(name="flat")(layers.Concatenate(name="join")(arms))
    d = layers.Concatenate(name="all")([c, k])
    return Model([x, k], [layers.Dense(3, name="kind")(d), layers.Dense(1, name="value")(c)], name="net")


NAMES = ["image", "numbers", "stem", "block", "skip", "arm0", "arm1", "arm2", "join", "flat", "all", "kind", "value"]


def texts(path):
    return ["".join(t.itertext()).strip() for t in ElementTree.parse(path).iter(f"{SVG}text")]


# files ---------------------------------------------------------------------------------------------------------------


def test_a_picture_names_every_layer(tmp_path):
    utils.plot_model(branched(), tmp_path / "net.svg", show_layer_names=True)
    assert sorted(t.split(" (")[0] for t in texts(tmp_path / "net.svg")) == sorted(NAMES)


def test_what_boxes_tell(tmp_path):
    model = branched()
    model.get_layer("stem").trainable = False
    path = tmp_path / "net.svg"
    utils.plot_model(model, path)
    plain = texts(path)
    assert sorted(plain)[:3] == ["Add", "Concatenate", "Concatenate"]
    assert not any(":" in t for t in plain)
    utils.plot_model(
        model, path, show_shapes=True, show_dtype=True, show_layer_names=True, show_layer_activations=True,
        show_trainable=True,
    )  # fmt: skip
    told = texts(path)
    at = told.index("stem (Conv2D)")
    assert told[at + 1 : at + 6] == [
        "Activation: relu",
        "Input shape: (None, 8, 8, 3)",
        "Output shape: (None, 8, 8, 4)",
        "Output dtype: float32",
        "Trainable: False",
    ]
    at = told.index("skip (Add)")  # nothing to train, no activation
    assert told[at + 1] == "Input shape: (None, 8, 8, 4), (None, 8, 8, 4)"
    assert told[at + 4].endswith("(Conv2D)")


def test_a_nested_model_is_drawn_on_request(tmp_path):
    for nested, names in ((False, {"block (Sequential)"}), (True, {"block (Sequential)", "inner (Conv2D)"})):
        utils.plot_model(branched(), tmp_path / "net.svg", show_layer_names=True, expand_nested=nested)
        told = texts(tmp_path / "net.svg")
        assert names <= set(told)
        assert ("inner (Conv2D)" in told) == nested


def test_a_png_has_the_size_of_the_layout(tmp_path):
    from matplotlib import image

    for dpi in (50, 120):
        drawn = utils.plot_model(branched(), tmp_path / "net.png", dpi=dpi)
        pixels = image.imread(tmp_path / "net.png")
        assert_allclose(pixels.shape[:2], np.array(drawn.get_size_inches())[::-1] * dpi, atol=1)
        ink = (pixels[..., :3] < 0.9).any(-1)
        assert ink.any(1).sum() > 0.7 * len(ink)  # from the top to the bottom
        edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert not edge.any()


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_directions(rankdir):
    drawn = utils.plot_model(branched(), None, rankdir=rankdir, show_layer_names=True, expand_nested=True)
    axes = drawn.axes[0]
    place = {t.get_text().split(" (")[0]: np.array(t.get_position()) * (1, -1) for t in axes.texts}
    along = {"TB": (0, -1), "LR": (1, 0), "BT": (0, 1), "RL": (-1, 0)}[rankdir]
    for a, b in [("image", "stem"), ("stem", "inner"), ("inner", "bend"), ("bend", "skip"), ("all", "kind")]:
        assert (place[b] - place[a]) @ along > 10, (a, b)
    assert not _overlaps([p.get_bbox() for p in axes.patches if hasattr(p, "get_bbox") and p.get_linestyle() == "-"])
    frame = next(p.get_bbox() for p in axes.patches if hasattr(p, "get_bbox") and p.get_linestyle() != "-")
    inside = [n for n, (x, y) in place.items() if frame.contains(x, -y)]
    assert sorted(inside) == ["bend", "block", "inner", "input"]


def _overlaps(boxes):
    return [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if matplotlib.transforms.Bbox.intersection(a, b)]


def test_text_stays_inside_its_box():
    drawn = utils.plot_model(branched(), None, show_layer_names=True, show_shapes=True)
    axes, renderer = drawn.axes[0], drawn.canvas.get_renderer()
    frames = [p.get_window_extent(renderer) for p in axes.patches if hasattr(p, "get_bbox")]
    for text in axes.texts:
        extent = text.get_window_extent(renderer)
        assert any(f.contains(extent.x0, extent.y0) and f.contains(extent.x1, extent.y1) for f in frames), text


def test_a_file_without_an_ending_is_a_png_and_other_endings_are_refused(tmp_path):
    utils.plot_model(block(), tmp_path / "model")
    assert (tmp_path / "model").read_bytes()[:4] == b"\x89PNG"
    utils.plot_model(block(), tmp_path / "model.pdf")
    assert (tmp_path / "model.pdf").read_bytes()[:4] == b"%PDF"
    with pytest.raises(ValueError, match=r"plot_model: to_file='.*net\.docx' should end in one of \.png, \.svg, \.pdf"):
        utils.plot_model(block(), tmp_path / "net.docx")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        utils.plot_model(block(), tmp_path / "nowhere" / "net.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "model.pdf"]


def test_the_same_model_gives_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg"):
        utils.plot_model(block(), tmp_path / name, show_layer_names=True)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_an_error_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.png"
    path.write_bytes(b"old")

    def fails(self, file, **_):
        file.write(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fails)
    with pytest.raises(OSError, match="full"):
        utils.plot_model(block(), path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("net.png", b"old")]


# models --------------------------------------------------------------------------------------------------------------


def test_what_is_no_model_or_has_no_shape():
    with pytest.raises(TypeError, match="plot_model: expected a Model or Sequential, got Dense"):
        utils.plot_model(layers.Dense(3), None)
    with pytest.raises(ValueError, match=r"net does not know its input shape yet: begin it with"):
        utils.plot_model(Sequential([layers.Dense(3)], name="net"), None)
    with pytest.raises(ValueError, match="rankdir must be one of TB, LR, BT, RL, got 'up'"):
        utils.plot_model(block(), None, rankdir="up")


def test_a_shared_layer_has_a_box_for_each_call():
    x, shared = Input((4,)), layers.Dense(4, name="twice")
    model = Model(x, shared(shared(x)))
    drawn = outline(model, Show(names=True), "test")
    assert [b.title for b in drawn.boxes] == ["input (InputLayer)", "twice (Dense)", "twice (Dense)"]
    assert [(drawn.boxes.index(a), drawn.boxes.index(b)) for a, b in drawn.arrows] == [(0, 1), (1, 2)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot.*")  # of its parser, which only tests use
def test_text_for_graphviz():
    graph = utils.model_to_dot(branched(), expand_nested=True, rankdir="LR", show_shapes=True)
    assert isinstance(graph, pydot.Dot)
    (again,) = pydot.graph_from_dot_data(graph.to_string())
    (inner,) = again.get_subgraphs()
    label = {n.get_name(): n.get_label() for g in (again, inner) for n in g.get_nodes() if n.get_label()}
    name = {n: re.match(r'"(\w+) \(', text)[1] for n, text in label.items()}
    assert sorted(name.values()) == sorted({*NAMES, "input", "inner", "bend"} - {"block"})
    edges = {(name[e.get_source()], name[e.get_destination()]) for g in (again, inner) for e in g.get_edges()}
    assert {("image", "stem"), ("stem", "input"), ("stem", "skip"), ("inner", "bend"), ("bend", "skip")} <= edges
    assert len(edges) == 17
    assert again.get_rankdir() == "LR"
    assert "Output shape: (None, 8, 8, 4)" in next(t for n, t in label.items() if name[n] == "stem")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot.*")  # of its parser, which only tests use
def test_names_are_quoted_for_graphviz():
    model = Sequential([Input((2,), name='a "quoted" \\ name'), layers.Dense(1, name="x -> y; z")], name='"')
    graph = utils.model_to_dot(model, subgraph=True)
    assert isinstance(graph, pydot.Cluster)
    (again,) = pydot.graph_from_dot_data(f"digraph {{ {graph.to_string()} }}")
    assert len(again.get_subgraphs()[0].get_edges()) == 1
    (whole,) = pydot.graph_from_dot_data(utils.model_to_dot(model).to_string())
    assert len(whole.get_edges()) == 1


# the layout ----------------------------------------------------------------------------------------------------------


def test_boxes_never_overlap_and_arrows_go_down():
    rng = np.random.default_rng(5)
    for _ in range(60):
        n = int(rng.integers(1, 14))
        sizes = [(float(w), float(h)) for w, h in rng.uniform(20, 90, (n, 2))]
        arrows = sorted({(int(a), int(b)) for a, b in np.sort(rng.integers(0, n, (2 * n, 2)), 1) if a < b})
        found = layered(sizes, arrows)
        boxes = [
            (x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(found.centres, sizes, strict=True)
        ]
        for i, (x0, y0, x1, y1) in enumerate(boxes):
            assert x0 > -1e-6 and y0 > -1e-6 and x1 < found.size[0] + 1e-6 and y1 < found.size[1] + 1e-6
            for u0, v0, u1, v1 in boxes[:i]:
                apart = max(u0 - x1, x0 - u1) >= ACROSS - 1e-6 or max(v0 - y1, y0 - v1) >= DOWN - 1e-6
                assert apart, (sizes, arrows)
        for (a, b), line in zip(arrows, found.arrows, strict=True):
            ys = [y for _, y in line]
            assert ys == sorted(ys)
            assert_allclose(line[0], (found.centres[a][0], boxes[a][3]), atol=1e-6)
            assert_allclose(line[-1], (found.centres[b][0], boxes[b][1]), atol=1e-6)
            for (x0, y0), (x1, y1) in zip(line[1:-1:2], line[2:-1:2], strict=True):  # through a rank, beside its boxes
                assert x0 == x1
                assert not any(u0 < x0 < u1 and v0 < y1 and y0 < v1 for u0, v0, u1, v1 in boxes)


def test_crossed_arms_are_untangled():
    arrows = [(0, 1), (0, 2), (0, 3), (1, 6), (2, 5), (3, 4)]
    x = [p[0] for p in layered([(30.0, 20.0)] * 7, arrows).centres]
    assert np.sign(x[1] - x[2]) == np.sign(x[6] - x[5])
    assert np.sign(x[2] - x[3]) == np.sign(x[5] - x[4])


def test_spread_is_the_nearest_placement():
    """Against a search by projected steps on the dual problem."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        n = int(rng.integers(2, 7))
        wanted, gaps, weights = rng.normal(0, 3, n), rng.uniform(0.5, 2, n - 1), rng.uniform(0.5, 4, n)
        found = np.array(spread(wanted, gaps, weights))
        assert (np.diff(found) >= gaps - 1e-9).all()
        pressure = np.zeros(n - 1)
        for _ in range(20_000):
            x = wanted + (np.append(0, pressure) - np.append(pressure, 0)) / weights
            pressure = np.maximum(pressure + 0.1 * (gaps - np.diff(x)), 0)
        assert_allclose(found, x, atol=1e-4)


# charts --------------------------------------------------------------------------------------------------------------


def test_a_history(tmp_path):
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.linspace(0, 1, 16, dtype=np.float32).reshape(8, 2)
    history = model.fit(x, x[:, 0], epochs=5, initial_epoch=2, verbose=0, validation_split=0.25)
    drawn = utils.plot_history(history, tmp_path / "fit.svg")
    assert [c.get_ylabel() for c in drawn.axes] == ["loss", "mae"]
    for chart, name in zip(drawn.axes, ("loss", "mae"), strict=True):
        curves = {c.get_label(): c.get_xydata() for c in chart.lines}
        assert_allclose(curves["training"], np.column_stack([[3, 4, 5], history.history[name]]))
        assert_allclose(curves["validation"], np.column_stack([[3, 4, 5], history.history[f"val_{name}"]]))
    assert {"epoch", "loss", "mae", "training", "validation"} <= set(texts(tmp_path / "fit.svg"))
    with pytest.raises(TypeError, match="expected what fit returned"):
        utils.plot_history(model)
    with pytest.raises(ValueError, match="holds no epochs"):
        utils.plot_history({})


def test_a_confusion_matrix(tmp_path):
    matrix = metrics.confusion_matrix([0, 0, 0, 1, 2], [0, 0, 1, 1, 0])
    drawn = utils.plot_confusion_matrix(matrix, ["a", "b", "c"], to_file=tmp_path / "m.svg")
    chart = drawn.axes[0]
    assert [t.get_text() for t in chart.texts] == ["2", "1", "0", "0", "1", "0", "1", "0", "0"]
    assert (chart.get_xlabel(), chart.get_ylabel()) == ("predicted", "true")
    assert [t.get_text() for t in chart.get_yticklabels()] == ["a", "b", "c"]
    assert {"a", "b", "c", "predicted", "true"} <= set(texts(tmp_path / "m.svg"))
    shares = utils.plot_confusion_matrix([[1, 3], [0, 0]], normalize=True)
    assert [t.get_text() for t in shares.axes[0].texts] == ["0.25", "0.75", "0.00", "0.00"]
    with pytest.raises(ValueError, match=r"expected a square matrix of numbers.*of shape \(3,\)"):
        utils.plot_confusion_matrix([0, 1, 2])
    with pytest.raises(ValueError, match="expected 3 class names, got 2"):
        utils.plot_confusion_matrix(matrix, ["a", "b"])


# matplotlib ----------------------------------------------------------------------------------------------------------

PROBE = """
import sys
from edgenet import Input, Sequential, layers, utils
model = Sequential([Input((4,)), layers.Dense(3)])
utils.plot_model(model, {path!r})
utils.plot_history({{"loss": [1.0, 0.5]}}, {path!r})
utils.plot_confusion_matrix([[1, 0], [0, 1]], to_file={path!r})
assert "matplotlib.pyplot" not in sys.modules
import matplotlib
assert matplotlib.rcParams["svg.fonttype"] == "path"
assert matplotlib.rcParams["svg.hashsalt"] is None
"""


def test_pyplot_is_left_alone(tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE.format(path=str(tmp_path / "x.svg"))],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]


def test_without_the_packages(monkeypatch):
    with pytest.raises(ImportError, match=r'plot_model needs the package no_such: pip install "edgenet\[plot\]"'):
        figure.optional("no_such.part", "plot_model")
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match=r'model_to_dot needs the package pydot: pip install "edgenet\[plot\]"'):
        utils.model_to_dot(block())
    assert drawing.draw(outline(block(), Show(), "test"), "TB") is not None
