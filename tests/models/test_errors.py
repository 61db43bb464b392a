"""What goes wrong is said in a sentence: what came, what was expected, what to do."""

import numpy as np
import pytest

from edgenet import Input, Model, Sequential, callbacks, layers, losses, metrics, optimizers
from edgenet.graph import ShapeError

X, Y = np.ones((6, 4), np.float32), np.zeros(6, np.int64)


def classifier(loss="sparse_categorical_crossentropy", **options):
    model = Sequential([Input((4,)), layers.Dense(3, activation="softmax", name="out")], name="net")
    if loss:
        model.compile("sgd", loss, **options)
    return model


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_without_a_loss(call):
    with pytest.raises(ValueError, match=rf"net\.{call}: the model has no loss yet; call model\.compile"):
        getattr(classifier(loss=None), call)(X, Y)
    with pytest.raises(ValueError, match=r"compile\(loss=…\) is missing"):
        Sequential([Input((4,)), layers.Dense(3)], name="net").compile("sgd")


@pytest.mark.parametrize(
    ("x", "y", "kind", "message"),
    [
        (np.ones((6, 5)), Y, ShapeError, r"input 'input': expected an array of shape \(n, 4\), got \(6, 5\)"),
        (np.ones(4), Y, ShapeError, r"got \(4,\); is the batch axis missing\?|expected an array of shape"),
        (X, Y[:5], ShapeError, "equally many samples everywhere, got x 6, y 5"),
        (X[:0], Y[:0], ShapeError, "expected at least one sample"),
        (X, None, ValueError, "y is missing"),
        (None, Y, ValueError, "x is missing"),
        (X, Y + 3, ValueError, "the model has 3 classes, so labels are 0 to 2; got 3 to 3"),
        (X, Y - 1, ValueError, "labels are 0 to 2; got -1 to -1"),
        (X, Y + 0.5, ValueError, "takes integer labels, got float64 with fractions"),
        (X, np.eye(3)[Y], ShapeError, "one-hot targets need categorical_crossentropy"),
        (["a"] * 6, Y, TypeError, "expected an array of numbers, got list of dtype"),
        ([[1], [1, 2]], Y, TypeError, "a list of parts that differ"),
        ((b for b in "ab"), Y, ValueError, "leave y and sample_weight out"),
        (X, ["a", "b", "a"] * 2, TypeError, r"integers: classes, y = np\.unique\(labels, return_inverse=True\)"),
        (X, np.array(["a", "b"] * 3, object), TypeError, "labels must be integers"),
        (X * 1j, Y, TypeError, "got ndarray of dtype complex64$"),
        ([1, None] * 3, Y, TypeError, "got list of dtype object, which holds None$"),
        (X, np.array([0, 1, np.nan] * 2), ValueError, "labels must be integers, got 2 NaN among them"),
        ((X, Y), None, ValueError, r"got a tuple of 2 as x and no y: write fit\(x, y\), or fit\(\*data\)"),
        (X.astype(object), Y, TypeError, r"its entries are numbers: convert it by \.astype\('float32'\)"),
        ({"other": X}, Y, ValueError, r"a dictionary with the keys \['input'\], got \['other'\]"),
    ],
)
def test_samples_that_do_not_fit(x, y, kind, message):
    with pytest.raises(kind, match=message):
        classifier().fit(x, y, verbose=0)


def test_a_missing_or_surplus_last_axis_of_size_one_is_forgiven():
    model = Sequential([Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)])
    x = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    np.testing.assert_array_equal(model.predict(x), model.predict(x[..., None]))
    assert classifier().predict(X[..., None]).shape == (6, 3)


def test_several_inputs():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    model = Model([a, b], layers.Add()([a, b]), name="sum")
    with pytest.raises(ValueError, match=r"sum\.predict: x: expected a list of 2 arrays \(a, b\), got ndarray"):
        model.predict(X)
    with pytest.raises(ValueError, match="got 3 of them"):
        model.predict([X, X, X])
    with pytest.raises(ShapeError, match="input 'b'"):
        model.predict([X, X[:, :2]])
    with pytest.raises(ShapeError, match="equally many samples everywhere, got x 6 and 2"):
        model.predict([X, X[:2]])


def test_class_weights_of_several_outputs():
    a = Input((4,))
    model = Model(a, [layers.Dense(2, name="one")(a), layers.Dense(3, name="two")(a)], name="net")
    model.compile("sgd", ["mse", "mse"])
    with pytest.raises(ValueError, match=r"class_weight is for models with one output; give sample_weight=\{output"):
        model.fit(X, [X[:, :2], X[:, :3]], class_weight={0: 1.0, 2: 3.0}, verbose=0)


@pytest.mark.parametrize("name", ["train_step", "test_step", "predict_step", "compute_loss"])
def test_steps_of_ones_own(name):
    with pytest.raises(TypeError, match=rf"Own\.{name} would never be called: a step is one compiled program; write"):
        type("Own", (Model,), {name: lambda self, data: {}})


def test_names_of_files_and_layers(tmp_path):
    with pytest.raises(ValueError, match=r"net\.onnx: model\.export\(path\) writes ONNX"):
        classifier().save(tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"net\.get_layer: give the name of a layer, or index=…"):
        classifier().get_layer()


def test_a_metric_in_the_manner_of_keras():
    with pytest.raises(AttributeError, match=r"no attribute 'add_variable'; a metric .* override counts and figure"):
        metrics.Metric().add_variable((), "zeros")


def test_warnings_point_at_the_line_that_called():
    watching = callbacks.EarlyStopping("accurracy")
    with pytest.warns(UserWarning, match="there is no figure 'accurracy'") as caught:
        classifier().fit(X, Y, verbose=0, callbacks=[watching])
    with pytest.warns(UserWarning, match="the data ended after 1 of the 2 steps") as again:
        classifier().fit(iter([(X, Y)]), steps_per_epoch=2, verbose=0)
    assert {w.filename for w in [*caught, *again]} == {__file__}


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer, got 0"),
        ({"epochs": "3"}, ValueError, "epochs must be an integer of at least 0, got '3'"),
        ({"epochs": 3.0}, ValueError, r"epochs must be an integer of at least 0, got 3\.0"),
        ({"epochs": -2}, ValueError, "epochs must be an integer of at least 0, got -2"),
        ({"initial_epoch": "0"}, ValueError, "initial_epoch must be an integer of at least 0, got '0'"),
        ({"validation_freq": 0}, ValueError, "validation_freq must be a positive integer, got 0"),
        ({"class_weight": [1, 2]}, TypeError, r"class_weight must be a dictionary \{label: factor\}, got list"),
        ({"class_weight": {3: 1.0}}, ValueError, "has the label 3; labels are integers, 0 to 2"),
        ({"class_weight": {"0": 1.0}}, ValueError, "has the label '0'; labels are integers, 0 to 2"),
        ({"class_weight": {0: "a"}}, TypeError, "class_weight of label 0 must be a number, got 'a'"),
        ({"sample_weight": "a"}, TypeError, "sample_weight: expected an array of numbers, got str"),
        ({"nb_epoch": 3}, TypeError, r"^net\.fit: there is no argument 'nb_epoch'; did you mean epochs=…\?"),
        ({"batchsize": 3}, TypeError, r"did you mean batch_size=…\?"),
        ({"workers": 3}, TypeError, "there is no argument 'workers'; it takes x, y, batch_size"),
        ({"validation_split": 1.5}, ValueError, "between 0 and 1, got 1.5"),
        ({"validation_split": 0.9}, ValueError, "leaves nothing on one side"),
        ({"validation_data": X}, ValueError, r"validation_data must be \(x, y\)"),
        ({"validation_data": (X, Y[:2])}, ShapeError, "fit .validation_data."),
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be a positive integer, got 0"),
        ({"sample_weight": [1, 2]}, ShapeError, r"sample_weight should have shape \(6,\), got \(2,\)"),
    ],
)
def test_arguments_of_fit(options, kind, message):
    with pytest.raises(kind, match=message):
        classifier().fit(X, Y, verbose=0, **options)


def test_arguments_of_compile():
    with pytest.raises(
        ValueError,
        match=r"'adagard' \(did you mean 'adagrad'\?\): expected one of adadelta",
    ):
        Sequential([Input((4,)), layers.Dense(3)]).compile("adagard", "mse")
    with pytest.raises(ValueError, match=r"unknown loss 'mes' \(did you mean 'm[sa]e'\?\)"):
        classifier("mes")
    with pytest.raises(ValueError, match=r"unknown metric 'acuracy' \(did you mean 'accuracy'\?\)"):
        classifier(metrics=["acuracy"])
    with pytest.raises(ValueError, match="metrics need names other than 'loss'"):
        classifier(metrics=[metrics.MeanSquaredError(name="loss")])
    with pytest.raises(ValueError, match="metrics=… goes by name"):
        Sequential([Input((4,)), layers.Dense(3)]).compile("sgd", "mse", ["accuracy"])
    with pytest.raises(TypeError, match=r"must be a number or one of edgenet\.optimizers\.schedules, got str"):
        optimizers.SGD("0.1")
    with pytest.raises(ValueError, match="momentum must be between 0 and 1, got 2"):
        optimizers.SGD(momentum=2)
    with pytest.raises(ValueError, match="must not be negative"):
        optimizers.Adam(-1)


def test_arguments_of_compile_that_ask_for_nothing():
    classifier(jit_compile=True, run_eagerly=False, weighted_metrics=None, steps_per_execution=1)
    with pytest.raises(ValueError, match=r"net\.compile: run_eagerly=True is not supported: models always run as"):
        classifier(run_eagerly=True)
    with pytest.raises(ValueError, match=r"jit_compile='yes' is not supported: every program is compiled"):
        classifier(jit_compile="yes")
    with pytest.raises(TypeError, match=r"net\.compile: there is no argument 'metric'; did you mean metrics=…\?"):
        classifier(metric=["accuracy"])


def test_metrics_of_the_same_name_are_numbered():
    def mse(y_true, y_pred):
        return y_true * 0.0 + 7.0

    model = Sequential([Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mse", mse, "mse", metrics.MeanSquaredError(name="mse")])
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(found) == model.metrics_names == ["loss", "mse", "mse_1", "mse_2"]
    assert found["mse"] == found["mse_2"] != found["mse_1"] == 7.0


def test_losses_that_do_not_fit_the_targets():
    with pytest.raises(
        ShapeError, match=r"got labels of shape \(6,\): use sparse_categorical_crossentropy, or .*to_cat"
    ):
        classifier("categorical_crossentropy").fit(X, Y, verbose=0)
    model = Sequential([Input((4,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="has one output; for a sigmoid and labels 0 and 1 use binary_crossentropy"):
        model.fit(X, Y, verbose=0)


def test_a_single_callback_needs_no_list():
    class Seen(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.epoch = epoch

    seen = Seen()
    classifier().fit(X, Y, verbose=0, callbacks=seen)
    assert seen.epoch == 0


def test_a_metric_that_does_not_fit_names_itself():
    with pytest.raises(ShapeError, match=r"metric mae: y_true has shape \(6\), y_pred has shape \(6, 3\)"):
        classifier(metrics=["mae"]).fit(X, Y, verbose=0)


def test_nothing_to_train():
    model = classifier(loss=None)
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    with pytest.warns(UserWarning, match="net has no trainable weights"):
        model.fit(X, Y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match="net has 2 weights, got 1 arrays"):
        classifier().set_weights([np.ones(3)])
    with pytest.raises(ShapeError, match=r"out/kernel has shape \(4, 3\)"):
        classifier().set_weights([np.ones(3), np.ones(3)])


def test_calling_a_layer_on_an_array():
    with pytest.raises(TypeError, match=r"put it into a model: edgenet\.Sequential"):
        classifier().layers[0](X)


def test_a_second_batch_of_the_same_shapes_is_checked_too():
    model = Sequential([Input((3,)), layers.Dense(4)])
    x, labels = np.ones((5, 3), np.float32), np.arange(5) % 4
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    for batch in (model.train_on_batch, model.test_on_batch):
        batch(x, labels)
        with pytest.raises(ValueError, match="the model has 4 classes, so labels are 0 to 3; got 1 to 4"):
            batch(x, labels + 1)
        with pytest.raises(ShapeError, match="expected an array of shape"):
            batch(x[:, :2], labels)
        with pytest.raises(ShapeError, match="equally many samples"):
            batch(x[:4], labels)
    model.compile("sgd", losses.CategoricalCrossentropy(from_logits=True))
    with pytest.raises(ShapeError, match="categorical_crossentropy takes one-hot targets"):
        model.train_on_batch(x, labels)
