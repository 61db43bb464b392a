"""edgenet.load: an ONNX file becomes a Model, to be cut, frozen, extended, trained, saved and exported again."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper
from onnx_models import model_of, numbers, theirs

import edgenet
from edgenet import Model, layers
from edgenet.converters.onnx import InferenceSession, UnsupportedModelError
from edgenet.layers import GraphLayer

NODE = helper.make_node
(X,) = numbers(0, (4, 3, 8, 8))


def network(batch="n", flat=None):
    """A file as PyTorch writes it: convolution, batch norm, a residual, pooling, and a head with softmax."""
    w1, w2, m, b1, b2, gamma, beta, mean = numbers(1, (6, 3, 3, 3), (6, 6, 3, 3), (5, 6), (6,), (5,), (6,), (6,), (6,))
    stored = {
        "conv1.weight": w1, "conv1.bias": b1, "conv2.weight": w2, "fc.weight": m, "fc.bias": b2, "bn.weight": gamma,
        "bn.bias": beta, "bn.running_mean": mean, "bn.running_var": np.abs(mean) + 0.5,
    }  # fmt: skip
    same = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    flatten = NODE("Flatten", ["p"], ["f"], name="/flatten/Flatten")
    if flat is not None:
        stored["flat"] = np.array(flat)
        flatten = NODE("Reshape", ["p", "flat"], ["f"], name="/flatten/Reshape")
    nodes = [
        NODE("Conv", ["x", "conv1.weight", "conv1.bias"], ["c"], name="/conv1/Conv", **same),
        NODE("Relu", ["c"], ["r"], name="/relu/Relu"),
        NODE("Conv", ["r", "conv2.weight"], ["d"], name="/conv2/Conv", **same),
        NODE(
            "BatchNormalization", ["d", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"], ["n"],
            name="/bn/BatchNormalization", momentum=0.75,
        ),
        NODE("Add", ["n", "r"], ["s"], name="/Add"),
        NODE("GlobalAveragePool", ["s"], ["p"], name="/pool/GlobalAveragePool"),
        flatten,
        NODE("Gemm", ["f", "fc.weight", "fc.bias"], ["g"], name="/fc/Gemm", transB=1),
        NODE("Softmax", ["g"], ["y"], name="/Softmax", axis=1),
    ]  # fmt: skip
    return model_of(nodes, {"x": X}, ["y"], stored, shapes={"x": (batch, 3, 8, 8)})


def saved(tmp_path, model=None):
    path = tmp_path / "net.onnx"
    onnx.save(network() if model is None else model, path)
    return path


def test_layers_are_the_nodes_of_the_file(tmp_path):
    model = edgenet.load(saved(tmp_path))
    names = [layer.name for layer in model.layers]
    wanted = ["conv1.Conv", "conv2.Conv", "bn.BatchNormalization", "Add", "pool.GlobalAveragePool"]
    assert [n for n in names if n in wanted] == wanted
    assert names[-1] == "fc.Gemm"
    assert model.input_shape == (None, 3, 8, 8)
    assert {w.name for w in model.get_layer("conv1.Conv").weights} == {"conv1.weight", "conv1.bias"}
    assert model.layers[-2].output.shape == (None, 6)
    (want,) = InferenceSession(network()).run(None, {"x": X})
    assert_allclose(model.predict(X, verbose=0), want, rtol=1e-5, atol=1e-6)


def test_images_with_channels_last(tmp_path):
    model = edgenet.load(saved(tmp_path), layout="NHWC")
    assert model.input_shape == (None, 8, 8, 3)
    (want,) = InferenceSession(network()).run(None, {"x": X})
    assert_allclose(model.predict(X.transpose(0, 2, 3, 1), verbose=0), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("second", ["Flatten", "GlobalAveragePool"])
def test_an_input_that_several_layers_use(second):
    """In the order of the file and in the other one, or twice in the latter."""
    nodes = [NODE("Conv", ["x", "w"], ["c"]), NODE("Flatten", ["c"], ["a"]), NODE(second, ["x"], ["b"])]
    (w,) = numbers(2, (2, 3, 8, 8))
    model = model_of(nodes, {"x": X}, ["a", "b"], {"w": w}, shapes={"x": ("n", 3, 8, 8)})
    for layout, x in ((None, X), ("NHWC", X.transpose(0, 2, 3, 1))):
        for got, want in zip(
            edgenet.load(model, layout=layout).predict(x, verbose=0),
            InferenceSession(model).run(None, {"x": X}),
            strict=True,
        ):
            assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def fine_tuned(tmp_path):
    """The network without its head, frozen but for batch norm, under a new head, trained on two classes of images."""
    base = edgenet.load(saved(tmp_path))
    for layer in base.layers:
        layer.trainable = layer.name == "bn.BatchNormalization"
    y = layers.Dense(2, activation="softmax", name="new_head")(base.layers[-2].output)
    model = Model(base.input, y)
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 64)
    images = rng.standard_normal((64, 3, 8, 8)).astype(np.float32)
    images[:, 0] += 2 * labels[:, None, None] - 1
    model.compile(edgenet.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = {w.name: w.numpy() for w in base.weights}
    history = model.fit(images, labels, epochs=12, batch_size=16, verbose=0)
    return base, model, before, history, images


def test_a_new_head_is_trained_and_what_is_frozen_stays(tmp_path):
    base, _, before, history, _ = fine_tuned(tmp_path)
    assert history.history["accuracy"][-1] > 0.85
    assert history.history["loss"][-1] < 0.8 * history.history["loss"][0]
    moved = {w.name for w in base.weights if not np.array_equal(before[w.name], w.numpy())}
    assert moved == {"bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}


def test_batch_norm_follows_the_momentum_of_the_file(tmp_path):
    model = edgenet.load(saved(tmp_path))
    inner = Model(model.input, model.get_layer("conv2.Conv").output)
    batch = inner.predict(X, verbose=0).mean((0, 1, 2) if inner.output_shape[-1] == 6 else (0, 2, 3))
    mean = next(w for w in model.weights if w.name == "bn.running_mean")
    want = 0.75 * mean.numpy() + 0.25 * batch
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, np.zeros(4, np.int32), epochs=1, batch_size=4, verbose=0)
    assert_allclose(mean.numpy(), want, rtol=1e-4, atol=1e-5)


def test_a_trained_model_is_saved_and_loaded(tmp_path):
    _, model, _, _, images = fine_tuned(tmp_path)
    model.save(tmp_path / "tuned.edgenet")
    again = edgenet.load(tmp_path / "tuned.edgenet")
    assert_array_equal(again.predict(images, verbose=0), model.predict(images, verbose=0))
    assert [w.name for w in again.weights] == [w.name for w in model.weights]


@pytest.mark.onnxruntime
def test_a_trained_model_is_exported_again(tmp_path):
    import onnxruntime

    _, model, _, _, images = fine_tuned(tmp_path)
    model.export(tmp_path / "tuned.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "tuned.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[1:] == [3, 8, 8]
    for n in (1, 7):
        (theirs,) = session.run(None, {session.get_inputs()[0].name: images[:n]})
        assert_allclose(model.predict(images[:n], verbose=0), theirs, rtol=1e-4, atol=1e-6)
    used = [n.op_type for n in onnx.load(tmp_path / "tuned.onnx").graph.node]
    assert used.count("Transpose") == 0


def test_a_file_for_single_images_takes_many():
    model = edgenet.load(network(batch=1, flat=[1, 6]))
    (want,) = InferenceSession(network()).run(None, {"x": X})
    assert_allclose(model.predict(X, verbose=0), want, rtol=1e-5, atol=1e-6)


def test_a_file_that_mixes_the_images_of_a_batch_is_refused():
    nodes = [NODE("Reshape", ["x", "a"], ["p"]), NODE("Reshape", ["p", "b"], ["y"])]
    model = model_of(
        nodes, {"x": X[:1]}, ["y"], {"a": np.array([1, -1]), "b": np.array([-1, 64])}, shapes={"x": (1, 3, 8, 8)}
    )
    with pytest.raises(UnsupportedModelError):
        edgenet.load(model)


def test_quantised_models_say_that_they_cannot_be_trained():
    stored = {"s": np.array(0.5, np.float32), "z": np.array(3, np.uint8)}
    nodes = [NODE("QuantizeLinear", ["x", "s", "z"], ["q"]), NODE("DequantizeLinear", ["q", "s", "z"], ["y"])]
    with pytest.raises(UnsupportedModelError, match=r"(?s)quantised.*cannot be trained.*InferenceSession"):
        edgenet.load(model_of(nodes, {"x": X}, ["y"], stored))


def test_what_is_no_model_of_layers():
    with pytest.raises(ValueError, match="layout"):
        edgenet.load(network(), layout="NCHW?")
    alone = model_of([NODE("Relu", ["w"], ["y"])], {"x": X}, ["y"], {"w": X}, shapes={"x": ("n", 3, 8, 8)})
    with pytest.raises(UnsupportedModelError, match="does not depend on the inputs"):
        edgenet.load(alone)
    integers = model_of([NODE("Cast", ["x"], ["y"], to=TensorProto.INT64)], {"x": X}, ["y"])
    with pytest.raises(UnsupportedModelError, match="InferenceSession"):
        edgenet.load(integers)


@pytest.mark.parametrize(
    "damage",
    [
        lambda piece: piece.pop("nodes"),
        lambda piece: piece["nodes"][0].update(op="no such op"),
        lambda piece: piece["nodes"][0].update(inputs=[["node", 7, 0]]),
        lambda piece: piece["weights"][0].update(shape=[2, 2]),
    ],
)
def test_a_damaged_piece_is_refused(damage):
    layer = edgenet.load(network()).get_layer("conv1.Conv")
    config = layer.get_config()
    damage(config["piece"])
    with pytest.raises((ValueError, IndexError)):
        GraphLayer.from_config(config)(layers.Input((3, 8, 8)))


def test_a_trained_network_learns_other_images(shared, tmp_path):
    """A network for photographs, frozen, tells clothes apart with a new head; what onnxruntime says of it agrees."""
    from edgenet.converters.onnx.verify import verify
    from edgenet.datasets import fashion_mnist

    base = edgenet.load(shared / "models" / "a03_resnet8_cifar10_nchw.onnx")
    for layer in base.layers:
        layer.trainable = False
    y = layers.Dense(10, activation="softmax")(layers.Dropout(0.2)(base.layers[-2].output))
    model = Model(base.input, y)
    (train, labels), (test, answers) = fashion_mnist.load_data(shared / "data" / "fashion-mnist")
    images = [
        np.repeat(np.pad(x, ((0, 0), (2, 2), (2, 2)))[:, None], 3, axis=1).astype(np.float32) for x in (train, test)
    ]
    before = [w.numpy() for w in base.weights]
    model.compile(edgenet.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images[0][:1000], labels[:1000], epochs=5, batch_size=50, verbose=0)
    _, accuracy = model.evaluate(images[1][:500], answers[:500], verbose=0)
    assert accuracy > 0.5  # guessing gives 0.1
    for old, w in zip(before, base.weights, strict=True):
        assert_array_equal(old, w.numpy())
    model.export(tmp_path / "clothes.onnx")
    pytest.importorskip("onnxruntime")
    verify(tmp_path / "clothes.onnx")
    assert_allclose(
        InferenceSession(tmp_path / "clothes.onnx").run(None, {model.input_names[0]: images[1][:5]})[0],
        model.predict(images[1][:5], verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )


def test_maps_along_an_axis_survive_a_file(tmp_path):
    """LRN and Resize are sparse matrices, which a file of a model must hold as such."""
    nodes = [
        NODE("LRN", ["x"], ["l"], size=3, name="lrn"),
        NODE("Resize", ["l", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="align_corners", name="up"),
    ]
    scales = np.array([1, 1, 1.5, 2], np.float32)
    given = model_of(nodes, {"x": X}, ["y"], {"s": scales}, shapes={"x": ("n", 3, 8, 8)})
    model = edgenet.load(given)
    want = InferenceSession(given).run(None, {"x": X})[0]
    assert_allclose(model.predict(X, verbose=0), want, rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "m.edgenet")
    assert_array_equal(edgenet.load(tmp_path / "m.edgenet").predict(X, verbose=0), model.predict(X, verbose=0))


def test_steps_first_stays_within_a_layer(tmp_path):
    """What lies steps first between the nodes of a file is no batch of samples."""
    x, w, r = numbers(0, (4, 6, 3), (2, 20, 3), (2, 20, 5))
    nodes = [
        NODE("Relu", ["x"], ["p"]),
        NODE("Transpose", ["p"], ["t"], perm=[1, 0, 2]),
        NODE("LSTM", ["t", "w", "r"], ["a"], hidden_size=5, direction="bidirectional"),
        NODE("ReduceSum", ["a", "one"], ["b"], keepdims=0),
        NODE("Transpose", ["b"], ["y"], perm=[1, 0, 2]),
    ]
    file = model_of(nodes, {"x": x}, ["y"], {"w": w, "r": r, "one": np.array([1])}, shapes={"x": ("n", 6, 3)})
    model = edgenet.load(file)
    (want,) = InferenceSession(file).run(None, {"x": x})
    for loaded in (model, edgenet.load(saved_as(model, tmp_path))):
        assert_allclose(loaded.predict(x, batch_size=3, verbose=0), want, rtol=1e-5, atol=1e-6)
    model.compile("adam", "mse")
    losses = model.fit(x, 0.1 * want, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    front = model_of(nodes[1:3], {"p": x}, ["a"], {"w": w, "r": r}, shapes={"p": ("n", 6, 3)})
    with pytest.raises(UnsupportedModelError, match="does not have the batch in front"):
        edgenet.load(front)


def saved_as(model, tmp_path):
    model.save(tmp_path / "net.keras")
    return tmp_path / "net.keras"


def test_a_state_of_zeros_for_any_batch():
    """Exporters make the first state of a recurrent layer of the batch of its input."""
    x, m = numbers(0, (4, 3), (5, 3))
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Slice", ["s", "zero", "one", "zero"], ["n"]),
        NODE("Concat", ["n", "five"], ["wide"], axis=0),
        NODE("Expand", ["half", "wide"], ["a"]),
        NODE("ConstantOfShape", ["wide"], ["b"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [2.0])),
        NODE("Mul", ["a", "b"], ["state"]),
        NODE("MatMul", ["state", "m"], ["p"]),
        NODE("Add", ["p", "x"], ["y"]),
    ]
    stored = {"zero": np.array([0]), "one": np.array([1]), "five": np.array([5]), "half": np.float32(0.5), "m": m}
    model = edgenet.load(model_of(nodes, {"x": x}, ["y"], stored, shapes={"x": ("n", 3)}))
    assert_allclose(model.predict(x, batch_size=3, verbose=0), m.sum(axis=0) + x, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["cubic", "nearest"])
def test_resizing_by_a_sparse_matrix(mode, tmp_path):
    how = {"cubic": {}, "nearest": {"coordinate_transformation_mode": "tf_half_pixel_for_nn"}}[mode]
    nodes = [NODE("Resize", ["x", "roi", "scales"], ["y"], mode=mode, **how)]
    stored = {"scales": np.array([1, 1, 1.5, 1.75], np.float32), "roi": np.zeros(0, np.float32)}
    file = model_of(nodes, {"x": X}, ["y"], stored, opset=11, shapes={"x": ("n", 3, 8, 8)})
    model = edgenet.load(file)
    (want,) = theirs(file, [X])
    for loaded in (model, edgenet.load(saved_as(model, tmp_path))):
        assert_allclose(loaded.predict(X, verbose=0), want, rtol=1e-4, atol=1e-5)


def test_a_layer_of_sequences():
    (x,) = numbers(0, (4, 3, 8))
    nodes = [
        NODE("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        NODE("Reshape", ["t", "s"], ["r"]),
        NODE("Relu", ["r"], ["y"]),
    ]
    model = edgenet.load(model_of(nodes, {"x": x}, ["y"], {"s": np.array([0, 4, 6])}, shapes={"x": ("n", 3, 8)}))
    want = np.maximum(x.transpose(0, 2, 1).reshape(4, 4, 6), 0)
    assert_array_equal(model.predict(x, verbose=0), want)
