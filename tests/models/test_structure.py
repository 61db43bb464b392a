"""Models as graphs of layers: functional and sequential, their order, shapes, weights and summary."""

import numpy as np
import pytest

import edgenet
from edgenet import Input, Model, Sequential, layers, ops
from edgenet.graph import ShapeError
from edgenet.utils import set_random_seed


def branches():
    """Two inputs, a shared layer, two outputs."""
    a, b = Input((6,), name="a"), Input((6,), name="b")
    shared = layers.Dense(4, activation="relu", name="shared")
    ya, yb = shared(a), shared(b)
    total = layers.Add(name="total")([ya, yb])
    return Model([a, b], [layers.Dense(3, name="head")(total), ya], name="branches")


def relu(x):
    return np.maximum(x, 0)


def test_a_functional_model_computes_its_graph():
    set_random_seed(1)
    model = branches()
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 9, 6)).astype(np.float32)
    w, bias, v, c = model.get_weights()
    assert w.shape == (6, 4)
    assert v.shape == (4, 3)
    ya, yb = relu(a @ w + bias), relu(b @ w + bias)
    for batch in (2, 32):
        head, first = model.predict([a, b], batch_size=batch)
        np.testing.assert_allclose(head, (ya + yb) @ v + c, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(first, ya, rtol=1e-5, atol=1e-5)
    for x, y in zip(model.predict({"b": b, "a": a}), model.predict_on_batch([a, b]), strict=True):
        np.testing.assert_array_equal(x, y)
    assert model.input_shape == [(None, 6), (None, 6)]
    assert model.output_shape == [(None, 3), (None, 4)]
    assert (model.input_names, model.output_names) == (["a", "b"], ["head", "shared"])


def test_several_outputs_train_with_a_loss_each():
    set_random_seed(2)
    model = branches()
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 40, 6)).astype(np.float32)
    labels, values = rng.integers(0, 3, 40), rng.random((40, 4))
    sparse = edgenet.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", {"head": sparse, "shared": "mse"}, loss_weights=[1.0, 0.5], metrics={"head": ["accuracy"]})
    history = model.fit({"a": a, "b": b}, [labels, values], epochs=5, verbose=0, validation_split=0.25).history
    assert list(history)[:4] == ["loss", "head_loss", "shared_loss", "head_accuracy"]
    assert model.metrics_names == ["loss", "head_loss", "shared_loss", "head_accuracy"]
    total = np.array(history["head_loss"]) + 0.5 * np.array(history["shared_loss"])
    np.testing.assert_allclose(history["loss"], total, rtol=1e-6)
    assert history["loss"][-1] < history["loss"][0]
    assert len(model.evaluate([a, b], [labels, values], verbose=0)) == 4
    with pytest.raises(ValueError, match=r"the model has 2 outputs \(head, shared\); give a list or a dictionary"):
        model.compile("adam", "mse")


def test_layers_and_weights_come_in_the_order_of_keras():
    # by depth from the outputs, then as met from the outputs: what keras.Model(x, out).layers gives
    x = Input((8,))
    late = layers.Dense(8, name="late")(x)
    early = layers.Dense(8, name="early_1")(layers.Dense(8, name="early_0")(x))
    out = layers.Concatenate(name="join")([late, early])
    model = Model(x, layers.Dense(2, name="end")(out))
    assert [layer.name for layer in model.layers] == ["early_0", "late", "early_1", "join", "end"]
    names = [w.name.split("/")[0] for w in model.weights]
    assert names == [n for layer in ("early_0", "late", "early_1", "end") for n in (layer, layer)]


def test_a_model_deeper_than_the_stack_of_python():
    x = y = Input((2,))
    for _ in range(1500):
        y = layers.ReLU()(y)
    model = Model(x, y)
    np.testing.assert_array_equal(model.predict(np.array([[1, -1]])), [[1, 0]])


def test_models_nest_and_share_their_layers():
    set_random_seed(3)
    inner = Sequential([Input((5,)), layers.Dense(4, activation="relu")], name="inner")
    x = Input((5,))
    outer = Model(x, layers.Dense(2)(inner(x)))
    assert len(outer.weights) == 4
    inner.trainable = False
    assert [w.name for w in outer.trainable_weights] == [w.name for w in outer.layers[1].weights]
    outer.compile("sgd", "mse")
    start = inner.get_weights()
    data = np.random.default_rng(3).normal(size=(8, 5)).astype(np.float32)
    outer.fit(data, np.ones((8, 2)), verbose=0)
    for a, b in zip(start, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    w, b, v, c = outer.get_weights()
    np.testing.assert_allclose(outer.predict(data), relu(data @ w + b) @ v + c, rtol=1e-5, atol=1e-5)


def test_a_new_head_on_the_layers_of_a_trained_model():
    set_random_seed(4)
    base = Sequential([Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(2)])
    for layer in base.layers:
        layer.trainable = False
    model = Model(base.input, layers.Dense(3, activation="softmax")(base.layers[-2].output))
    model.compile("adam", "sparse_categorical_crossentropy")
    data = np.random.default_rng(4).normal(size=(8, 5)).astype(np.float32)
    before = base.predict(data)
    model.fit(data, np.arange(8) % 3, epochs=2, verbose=0)
    np.testing.assert_array_equal(base.predict(data), before)


# sequential ----------------------------------------------------------------------------------------------------------


def test_a_sequential_is_built_by_its_first_data():
    model = Sequential([layers.Dense(4), layers.Dense(2)])
    assert not model.built
    with pytest.raises(ValueError, match="does not know its input shape yet"):
        _ = model.output_shape
    assert model.predict(np.ones((3, 5))).shape == (3, 2)
    assert (model.input_shape, model.output_shape) == ((None, 5), (None, 2))
    model.compile("sgd", "mse")
    model.fit(np.ones((3, 5)), np.ones((3, 2)), verbose=0)


def test_compile_before_build():
    model = Sequential([layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    assert list(model.fit(np.ones((3, 5)), np.ones((3, 2)), verbose=0).history) == ["loss", "mae"]


@pytest.mark.parametrize("how", ["Input", "InputLayer", "input_shape", "input_dim", "build", "model"])
def test_the_ways_to_give_an_input_shape(how):
    dense = layers.Dense(4, **{"input_shape": {"input_shape": (5,)}, "input_dim": {"input_dim": 5}}.get(how, {}))
    first = {"Input": [Input((5,))], "InputLayer": [layers.InputLayer((5,))]}.get(how, [])
    if how == "model":
        first = [Sequential([Input((5,)), layers.Dense(5)])]
    model = Sequential([*first, dense])
    if how == "build":
        model.build((None, 5))
    assert model.built
    assert model.output_shape == (None, 4)
    assert dense.get_weights()[0].shape == (5, 4)


def test_layers_are_added_and_removed():
    model = Sequential([Input((5,)), layers.Dense(4)])
    model.add(layers.Dense(3))
    assert model.output_shape == (None, 3)
    assert len(model.weights) == 4
    model.pop()
    assert model.output_shape == (None, 4)
    assert len(model.weights) == 2
    assert model.predict(np.ones((1, 5))).shape == (1, 4)
    with pytest.raises(ShapeError, match="layer conv2d"):
        model.add(layers.Conv2D(3, 3, name="conv2d"))
    assert len(model.layers) == 1
    with pytest.raises(ValueError, match="an Input comes first"):
        model.add(Input((5,)))
    with pytest.raises(TypeError, match="expected a layer or an Input, got str"):
        model.add("dense")


def test_names_are_unique():
    with pytest.raises(ValueError, match="has a layer named 'a' already"):
        Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")])
    x = Input((1,))
    with pytest.raises(ValueError, match="two layers have the name 'a'"):
        Model(x, layers.Dense(1, name="a")(layers.Dense(1, name="a")(x)))


def test_an_input_that_was_forgotten():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    with pytest.raises(ValueError, match="depend on the Input 'b' of shape"):
        Model(a, layers.Add()([a, b]))
    with pytest.raises(TypeError, match=r"outputs must come from edgenet\.Input and from layers, got int"):
        Model(a, 3)


def test_layers_are_found_by_name_and_place():
    model = branches()
    assert model.get_layer("head").name == "head"
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="has no layer 'tail', only shared, total, head"):
        model.get_layer("tail")


def test_a_layer_of_ones_own_trains():
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight((input_shape[-1],), initializer="ones", name="factor")

        def call(self, x):
            return x * self.value(x, self.factor)

    model = Sequential([Input((2,)), Scale()])
    model.compile(edgenet.optimizers.Adam(0.1), lambda y_true, y_pred: ops.square(y_true - y_pred))
    x = np.random.default_rng(5).normal(size=(64, 2)).astype(np.float32)
    model.fit(x, x * [2, -3], epochs=200, batch_size=64, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], [2, -3], atol=1e-2)


# summary, graph ------------------------------------------------------------------------------------------------------


def small_cnn():
    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(10, name="dense"),
        ],
        name="small",
    )


def test_summary(capsys):
    small_cnn().summary()
    assert (
        capsys.readouterr().out
        == """\
Model: "small"
─────────────────────────────────────────────────────────────
Layer (type)               Output Shape       Param #    MACs
─────────────────────────────────────────────────────────────
input (Input)              (None, 28, 28, 1)        0       0
conv (Conv2D)              (None, 28, 28, 8)       80  56,448
norm (BatchNormalization)  (None, 28, 28, 8)       32       0
pool (MaxPooling2D)        (None, 14, 14, 8)        0       0
flat (Flatten)             (None, 1568)             0       0
dense (Dense)              (None, 10)          15,690  15,680
─────────────────────────────────────────────────────────────
Total params: 15,802 (61.73 KB)
Trainable params: 15,786 (61.66 KB)
Non-trainable params: 16 (64 B)
Total MACs: 72,128 for one sample
"""
    )


def test_summary_of_shared_layers_and_of_what_is_not_built():
    lines = []
    branches().summary(print_fn=lines.append)
    assert "(shared)" in lines[0]
    assert "Total params: 43 " in lines[0]
    lines.clear()
    Sequential([layers.Dense(2)]).summary(print_fn=lines.append)
    assert "not built" in lines[0]


def test_the_graph_of_inference_has_a_symbolic_batch():
    model = small_cnn()
    graph = model.graph()
    assert [(v.name, v.shape) for v in graph.inputs] == [("input", ("batch", 28, 28, 1))]
    assert [(v.name, v.shape) for v in graph.outputs] == [("dense", ("batch", 10))]
    assert len({v.name for n in graph.nodes for v in n.outputs}) == sum(len(n.outputs) for n in graph.nodes)
    assert graph.variables == [v for v in model.weights if v in graph.variables]
    assert model.graph(batch=3).outputs[0].shape == (3, 10)


@pytest.mark.onnxruntime
def test_export_to_onnx(tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    set_random_seed(6)
    model = small_cnn()
    model.export(tmp_path / "small.onnx")
    session = runtime.InferenceSession(tmp_path / "small.onnx")
    x = np.random.default_rng(6).normal(size=(5, 28, 28, 1)).astype(np.float32)
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found, model.predict(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="exported as 'onnx'"):
        model.export(tmp_path / "small.tflite", format="tflite")


def test_what_is_no_layer_or_model():
    with pytest.raises(TypeError, match=r"expected a layer, got the class Dense: write Dense\(…\)"):
        Sequential([layers.Dense])
    dense = layers.Dense(3, name="once")
    with pytest.raises(ValueError, match="has the layer 'once' already: make a second one"):
        Sequential([dense, dense])
    with pytest.raises(TypeError, match=r"Model: a model is Sequential\(\[…\]\) or Model\(inputs, outputs\)"):
        Model()

    class Net(Model):
        def __init__(self):
            super().__init__()

    with pytest.raises(TypeError, match="a subclass with its own call is a Layer"):
        Net()
    with pytest.raises(ValueError, match=r"only the batch may be open; got \(None, None, 3\)"):
        Input((None, None, 3))


def test_weights_of_a_model_that_is_not_built_cannot_be_counted():
    model = Sequential([layers.Dense(3)], name="open")
    with pytest.raises(ValueError, match="open does not know its input shape yet"):
        model.count_params()
    model.build((None, 4))
    assert model.count_params() == 15
