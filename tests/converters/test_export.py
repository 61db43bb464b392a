"""Model.export: every layer in every opset, in both layouts, judged by onnxruntime; a wrong file is never left."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import model_of, numbers, theirs

import edgenet
from edgenet import Input, Model, Sequential, layers, ops
from edgenet.converters.onnx import UnsupportedModelError, verify, writer
from edgenet.converters.onnx.registry import NEWEST
from edgenet.converters.onnx.verify import VerificationError

pytestmark = pytest.mark.onnxruntime
OPSETS = sorted({13, 15, 17, 18, 20, 21, NEWEST})
SIZE = (9, 8, 4)


def images():
    """Everything that takes images and gives images of the same size, one behind the other; and a head."""
    x = y = Input(SIZE)
    for layer in (
        layers.Rescaling(1 / 2, 0.1), layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 1.0, 0.5]),
        layers.Conv2D(4, 3, padding="same", activation="gelu"), layers.Conv2D(8, 3, padding="same", groups=2),
        layers.BatchNormalization(), layers.PReLU(), layers.DepthwiseConv2D(3, padding="same", activation="silu"),
        layers.SeparableConv2D(8, 3, dilation_rate=2, padding="same", activation="mish"), layers.ELU(0.7),
        layers.GroupNormalization(4), layers.LayerNormalization(), layers.UnitNormalization(), layers.LeakyReLU(0.2),
        layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="hard_silu"), layers.MaxPooling2D(2),
        layers.ReLU(6.0), layers.Resizing(12, 7), layers.UpSampling2D(2, interpolation="bilinear"),
        layers.AveragePooling2D(3, strides=2, padding="same"), layers.ZeroPadding2D(((1, 2), (0, 1))),
        layers.Cropping2D(((0, 1), (1, 0))), layers.L2Pooling2D(2, strides=1),
        layers.DistanceWeightedAveragePooling2D(3, strides=1, padding="same"), layers.UpSampling2D(2),
        layers.Dropout(0.5), layers.SpatialDropout2D(0.5), layers.GaussianNoise(0.5), layers.RandomContrast(0.5),
        layers.RandomFlip(),
        layers.RandomRotation(0.1), layers.RandomTranslation(0.1, 0.1), layers.RandomZoom(0.1),
        layers.Activation("softplus"), layers.Permute((2, 1, 3)), layers.Softmax(),
    ):  # fmt: skip
        y = layer(y)
    flat = layers.Dense(3, activation="sigmoid")(layers.Flatten()(y))
    return Model(x, [y, flat, layers.GlobalMaxPooling2D()(y), layers.GlobalAveragePooling2D()(y)])


def sequences():
    """Everything that takes sequences or rows, and tokens."""
    tokens = Input((6,), dtype="int32")
    y = layers.Embedding(10, 8)(tokens)
    for layer in (
        layers.Conv1D(8, 3, padding="causal", activation="tanh"), layers.SpatialDropout1D(0.5),
        layers.AveragePooling1D(2), layers.MaxPooling1D(2, strides=1, padding="same"),
    ):  # fmt: skip
        y = layer(y)
    rows = layers.GlobalAveragePooling1D()(y)
    more = layers.Reshape((3, 8))(layers.Dense(24, activation="selu")(rows))
    more = layers.RepeatVector(2)(layers.GlobalMaxPooling1D()(more))
    radial = layers.RadialBasis(5)(rows)
    return Model(tokens, [more, layers.Maxout(4, 2)(rows), layers.Dot(1)([rows, rows]), radial])


def merged():
    """Layers of several inputs, and a layer of one's own."""
    a, b = Input(SIZE, name="a"), Input(SIZE, name="b")
    joined = [
        merge([a, b])
        for merge in (
            layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum(),
        )
    ]  # fmt: skip
    y = layers.Concatenate()([*joined, a * 2.0 + b])
    return Model([a, b], layers.Lambda(lambda x: ops.exp(ops.minimum(x, 1.0)))(y), name="merged")


MODELS = {"images": images, "sequences": sequences, "merged": merged}


def weighted(model):
    """The model, with weights that are no longer those of a start."""
    rng = np.random.default_rng(0)
    for w in model.weights:
        w.assign((np.abs(w.numpy()) + rng.uniform(0.1, 0.6, w.shape)).astype(np.float32))
    return model


@pytest.fixture(scope="module")
def models():
    return {name: weighted(build()) for name, build in MODELS.items()}


def test_every_layer_is_here(models):
    shown = {type(layer) for model in models.values() for layer in model.layers}
    every = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, layers.Layer)}
    plain = {layers.Layer, layers.GraphLayer, layers.InputLayer}  # a base, a piece of an imported model, no computation
    assert not {c.__name__ for c in every - shown - plain}


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", MODELS)
def test_every_layer_in_every_opset(models, name, opset, tmp_path, recwarn):
    """Export compares with onnxruntime at batch 1, 2 and 7, where it knows the opset."""
    models[name].export(tmp_path / "m.onnx", opset=opset)
    made = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(made, full_check=True)
    assert [(o.domain, o.version) for o in made.opset_import] == [("", opset)]
    assert made.ir_version == max(8, helper.find_min_ir_version_for(made.opset_import))
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    told = [str(w.message) for w in recwarn]
    assert told == [] or opset == NEWEST, told


@pytest.mark.parametrize("name", ["images", "merged"])
def test_layouts_agree(models, name, tmp_path):
    model = models[name]
    arrays = numbers(1, *[(2, *SIZE)] * len(model.inputs))
    for layout, turn, back in (("NHWC", (0, 1, 2, 3), (0, 1, 2, 3)), ("NCHW", (0, 3, 1, 2), (0, 2, 3, 1))):
        model.export(tmp_path / "m.onnx", layout=layout)
        made = onnx.load(tmp_path / "m.onnx")
        got = theirs(made, [x.transpose(turn) for x in arrays])
        want = model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
        for y, w in zip(got, want if isinstance(want, list) else [want], strict=True):
            np.testing.assert_allclose(y.transpose(back) if y.ndim == 4 else y, w, rtol=1e-4, atol=1e-5)


def convolutions(size=(8, 8, 3)):
    return Sequential(
        [
            Input(size), layers.Conv2D(4, 3, padding="same", activation="relu"), layers.BatchNormalization(),
            layers.Conv2D(4, 3), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(5),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(("layout", "most"), [("NHWC", 1), ("NCHW", 0)])
def test_one_transpose_for_an_input(layout, most, tmp_path):
    convolutions((8, 8, 3)).export(tmp_path / "m.onnx", layout=layout)
    ops_made = [n.op_type for n in onnx.load(tmp_path / "m.onnx").graph.node]
    before_flatten = 1  # the order in which the weights of Dense want the image
    assert ops_made.count("Transpose") <= most + before_flatten


def test_cubes_are_told_apart_by_the_layout(tmp_path):
    """Where height, width and channels are the same number, sizes do not tell the layout."""
    convolutions((8, 8, 8)).export(tmp_path / "m.onnx", layout="NCHW")


def spoil(monkeypatch):
    """Let the writer write something else than the graph says."""
    right = writer.Writer.model

    def wrong(self, ir_version):
        model = right(self, ir_version)
        next(n for n in model.graph.node if n.op_type == "Relu").op_type = "Sigmoid"
        return model

    monkeypatch.setattr(writer.Writer, "model", wrong)


def test_a_wrong_file_is_not_left(tmp_path, monkeypatch):
    model = convolutions()
    spoil(monkeypatch)
    with pytest.raises(VerificationError, match="differ from onnxruntime by more than"):
        model.export(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
    model.export(tmp_path / "m.onnx", check=False)
    assert (tmp_path / "m.onnx").is_file()


def test_without_onnxruntime_nothing_is_checked(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    spoil(monkeypatch)
    convolutions().export(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").is_file()


def test_an_opset_that_onnxruntime_does_not_know_is_told(tmp_path, monkeypatch):
    def refuse(model, *args, **kwargs):
        raise UnsupportedModelError("onnxruntime cannot run the model", ["opset"])

    monkeypatch.setattr(verify, "onnxruntime_session", refuse)
    with pytest.warns(UserWarning, match="this onnxruntime does not know opset 17"):
        convolutions().export(tmp_path / "m.onnx")
    answers = iter([refuse, lambda model: None])  # the model is refused, one that says nothing but its opset is not
    monkeypatch.setattr(verify, "onnxruntime_session", lambda model: next(answers)(model))
    with pytest.raises(UnsupportedModelError, match="cannot run"):
        convolutions().export(tmp_path / "n.onnx")
    assert not (tmp_path / "n.onnx").exists()


def test_what_cannot_be_asked_for(tmp_path):
    with pytest.raises(ValueError, match="opset from 13"):
        convolutions().export(tmp_path / "m.onnx", opset=12)
    with pytest.raises(ValueError, match="NHWC or NCHW"):
        convolutions().export(tmp_path / "m.onnx", layout="CHWN")


def test_names_of_an_imported_model_are_kept(tmp_path):
    w, b, m = numbers(1, (4, 3, 3, 3), (4,), (4, 5))
    nodes = [
        helper.make_node("Conv", ["pixels", "net.0.weight", "net.0.bias"], ["/c"], name="/net/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["/c"], ["/r"], name="/net/Relu"),
        helper.make_node("GlobalAveragePool", ["/r"], ["features"], name="/pool"),
        helper.make_node("Flatten", ["features"], ["/f"], name="/flat"),
        helper.make_node("MatMul", ["/f", "fc.weight"], ["logits"], name="/fc/MatMul"),
    ]
    shape = {"pixels": ("n", 3, 8, 6)}
    stored = {"net.0.weight": w, "net.0.bias": b, "fc.weight": m}
    (x,) = numbers(0, (2, 3, 8, 6))
    given = model_of(nodes, {"pixels": x}, ["logits", "features"], stored, shapes=shape)
    edgenet.load(given).export(tmp_path / "again.onnx")
    again = onnx.load(tmp_path / "again.onnx")
    assert [i.name for i in again.graph.input] == ["pixels"]
    assert [o.name for o in again.graph.output] == ["logits", "features"]
    assert {t.name for t in again.graph.initializer if t.data_type == TensorProto.FLOAT} == set(stored)
    for y, want in zip(theirs(again, [x]), theirs(given, [x]), strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-6)
