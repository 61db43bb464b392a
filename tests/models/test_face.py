"""What a Keras user reaches for on models and layers: calls on arrays, shapes, operators, data sets of one's own."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet import Input, Model, Sequential, layers, load_model, ops
from edgenet.models import clone_model, model_from_json
from edgenet.utils import PyDataset, Sequence


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def two_inputs():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    return Model([a, b], [layers.Dense(2, name="d")(a), a - b])


def test_a_model_called_on_arrays_gives_arrays():
    model = Sequential([Input((4,)), layers.Dense(3), layers.Dropout(0.5)])
    x = numbers(5, 4)
    y = model(x)
    assert type(y) is np.ndarray
    assert_array_equal(y, model.predict(x, verbose=0))
    assert_array_equal(model(x.tolist()), y)
    assert_array_equal(model(x, training=False), y)
    with pytest.raises(ValueError, match="in inference only, got training=True"):
        model(x, training=True)
    with pytest.raises(TypeError, match=r"Sequential\(\[layer\]\)\(x\)"):
        model.layers[0](x)


def test_a_model_of_several_inputs_takes_lists_and_dictionaries():
    model, (a, b) = two_inputs(), (numbers(5, 3), numbers(5, 3, seed=1))
    for given in ([a, b], {"a": a, "b": b}):
        _, difference = model(given)
        assert_array_equal(difference, a - b)


def test_layers_know_their_shapes():
    model = Sequential([Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten()])
    conv, flatten = model.layers
    assert (conv.input_shape, conv.output_shape) == ((None, 8, 8, 3), (None, 6, 6, 4))
    assert flatten.input_shape == conv.output_shape
    assert layers.Add()([Input((3,)), Input((3,))]).source.layer.input_shape == [(None, 3), (None, 3)]
    assert layers.Dense(5).compute_output_shape((None, 7, 4)) == (None, 7, 5)
    assert layers.Add().compute_output_shape([(None, 3), (None, 3)]) == (None, 3)
    assert model.compute_output_shape((None, 8, 8, 3)) == (None, 144)
    with pytest.raises(AttributeError, match="connected 0 times"):
        _ = layers.Dense(3).input_shape
    assert [v.name for v in model.variables] == [v.name for v in model.weights]
    assert len(conv.trainable_variables) == 2
    assert conv.non_trainable_variables == []
    assert_array_equal(np.asarray(conv.kernel), conv.get_weights()[0])


def test_a_layer_of_ones_own_may_keep_a_shape():
    class Mine(layers.Layer):
        def __init__(self, output_shape, **kwargs):
            super().__init__(**kwargs)
            self.output_shape = output_shape

        def call(self, x):
            return x

    assert Mine((3,)).get_config()["output_shape"] == [3]


OPERATORS = {
    "x + y": lambda x, y: x + y, "2 - x": lambda x, y: 2 - x, "x / 4": lambda x, y: x / 4, "x > y": lambda x, y: x > y,
    "abs(x) ** 1.5": lambda x, y: abs(x) ** 1.5, "-x * y": lambda x, y: -x * y, "x <= 0.0": lambda x, y: x <= 0.0,
    "x[:, 1:, 0]": lambda x, y: x[:, 1:, 0], "x[..., None, ::2]": lambda x, y: x[..., None, ::2],
    "array * x": lambda x, y: np.array([1.0, 2.0, 3.0], np.float32) * x, "x < y": lambda x, y: x < y,
    "2.0 ** x": lambda x, y: 2.0**x, "1 / (x * x + 1)": lambda x, y: 1 / (x * x + 1), "x >= y": lambda x, y: x >= y,
    "x @ w": lambda x, y: x @ np.eye(3, 2, dtype=np.float32),
}  # fmt: skip


@pytest.mark.parametrize("words", OPERATORS)
def test_operators_between_layers(words, tmp_path):
    function = OPERATORS[words]
    starts = Input((4, 3), name="x"), Input((4, 3), name="y")
    model = Model(starts, function(*starts))
    x, y = numbers(2, 4, 3), numbers(2, 4, 3, seed=1)
    got, want = model([x, y]), function(x, y)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=5e-6, atol=1e-6)
    assert model.output_shape == (None, *want.shape[1:])
    model.save(tmp_path / "m.edgenet")
    assert_array_equal(load_model(tmp_path / "m.edgenet")([x, y]), got)


def test_operators_say_what_they_do_not_take():
    x = Input((4, 3))
    with pytest.raises(TypeError, match="indexed with list"):
        x[[0, 1]]
    with pytest.raises(TypeError, match="not iterable"):
        list(x)
    with pytest.raises(ValueError, match=r"expected one of add, .*got 'modulo'"):
        layers.Operation("modulo")


def quantiles(y_true, y_pred):
    """Pinball loss of the 10 % and the 90 % quantile, which stand side by side."""
    total = 0.0
    for i, q in enumerate((0.1, 0.9)):
        error = y_true[:, 0] - y_pred[:, i]
        total = ops.where(error > 0, q * error, (q - 1) * error) + total
    return total


class Attention(layers.Layer):
    """Softmax attention over steps with one query a model."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], self.units), name="w")
        self.query = self.add_weight((self.units,), name="query")

    def call(self, x):
        keys = ops.tanh(x @ self.value(x, self.w))
        scores = ops.softmax(ops.sum(keys * self.value(x, self.query), axis=-1), axis=-1)
        return ops.sum(x * scores[..., None], axis=1)


def test_losses_and_layers_of_ones_own_train_as_they_are_written():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((512, 6, 4)).astype(np.float32)
    y = (x[:, :, 0].max(axis=1) + 0.3 * rng.standard_normal(512)).astype(np.float32)[:, None]
    start = Input((6, 4))
    model = Model(start, layers.Dense(2)(layers.Dense(32, activation="tanh")(Attention(8)(start**2 + start))))
    model.compile("adam", loss=quantiles, metrics=[quantiles])
    history = model.fit(x, y, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    low, high = model.predict(x, verbose=0).T
    assert np.mean(low < high) > 0.99
    inside = np.mean((y[:, 0] > low) & (y[:, 0] < high))
    assert 0.7 < inside < 0.9
    error = y - model(x)
    want = np.maximum(np.array([0.1, 0.9]) * error, np.array([-0.9, -0.1]) * error).sum(axis=1)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), [want.mean()] * 2, rtol=1e-4)


def test_structure_goes_out_and_comes_back():
    model = two_inputs()
    for again in (model_from_json(model.to_json()), clone_model(model), Model.from_config(model.get_config())):
        assert [type(x) for x in again.layers] == [type(x) for x in model.layers]
        assert again.count_params() == model.count_params() == 8
        assert again.get_layer("d").units == 2
        assert again.get_layer(index=0) is again.layers[0]
    with pytest.raises(ValueError, match="got no JSON"):
        model_from_json("{")


class Line(PyDataset):
    """y = 2 x, in batches of 4, which it counts."""

    def __init__(self, batches=5):
        super().__init__()
        self.batches, self.calls = batches, []

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        self.calls.append(index)
        x = numbers(4, 1, seed=index)
        return x, 2 * x

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def test_a_data_set_of_ones_own():
    model = Sequential([Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    data = Line()
    history = model.fit(data, epochs=2, verbose=0, validation_data=Line(2))
    assert history.history["loss"][1] < history.history["loss"][0]
    epochs = [data.calls[:7], data.calls[7:]]
    for calls in epochs:
        assert (calls[0], calls[-1], sorted(calls[1:-1])) == ("begin", "end", list(range(5)))
    assert epochs[0] != epochs[1]  # batches come in another order
    data.calls.clear()
    model.fit(data, shuffle=False, verbose=0)
    assert data.calls == ["begin", 0, 1, 2, 3, 4, "end"]
    x, y = (np.concatenate(parts) for parts in zip(*data, strict=True))
    assert model.evaluate(data, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0))
    assert_array_equal(model.predict(data, verbose=0), model.predict(x, verbose=0))
    assert Sequence is PyDataset
    assert data.num_batches == 5


def test_the_summary_says_what_training_changes():
    model = Sequential(
        [Input((4,)), layers.Dense(3, name="frozen"), layers.ReLU(name="relu"), layers.Dense(2, name="head")]
    )
    model.layers[0].trainable = False
    lines = []
    model.summary(print_fn=lines.append, show_trainable=True)
    ends = {line.split()[0]: line.split()[-1] for line in lines[0].splitlines() if "(" in line}
    assert (ends["frozen"], ends["head"], ends["relu"]) == ("N", "Y", "-")
    assert "Trainable params: 8 " in lines[0]
    with pytest.raises(ValueError, match=r"expand_nested=True is not supported.*get_layer"):
        model.summary(expand_nested=True)


def test_optimizers_count_their_steps():
    model = Sequential([Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert int(model.optimizer.iterations) == 0
    model.fit(Line(3), epochs=2, verbose=0)
    assert float(model.optimizer.iterations) == 6


def test_a_data_set_says_what_it_lacks():
    with pytest.raises(ValueError, match="got workers=4"):
        PyDataset(workers=4)
    with pytest.raises(NotImplementedError, match=r"PyDataset\.__len__"):
        len(PyDataset())
    with pytest.raises(NotImplementedError, match=r"PyDataset\.__getitem__"):
        PyDataset()[0]
