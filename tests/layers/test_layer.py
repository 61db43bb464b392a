"""What all layers share: names, arguments, weights, layers inside of layers."""

import inspect

import numpy as np
import pytest
from layers.run import apply, normal, pull
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, Sequential, constraints, layers, ops, optimizers
from edgenet.graph import Graph, ShapeError
from edgenet.utils import set_random_seed
from tolerance import tolerance


class Block(layers.Layer):
    """A dense layer inside, with batch normalisation and a residual."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.steps = [layers.Dense(units), layers.BatchNormalization()]

    def build(self, input_shape):
        self.scale = self.add_weight((self.units,), "ones", name="scale")

    def call(self, x):
        y = x
        for step in self.steps:
            y = step(y)
        return x + y * self.value(x, self.scale)


# arguments -----------------------------------------------------------------------------------------------------------

SIGNATURES = {
    layers.Dense: "units activation=None use_bias=True kernel_initializer='glorot_uniform' bias_initializer='zeros' "
    "kernel_regularizer=None bias_regularizer=None activity_regularizer=None kernel_constraint=None "
    "bias_constraint=None",
    layers.Conv2D: "filters kernel_size strides=(1, 1) padding='valid' data_format=None dilation_rate=(1, 1) groups=1 "
    "activation=None use_bias=True kernel_initializer='glorot_uniform' bias_initializer='zeros' "
    "kernel_regularizer=None bias_regularizer=None activity_regularizer=None kernel_constraint=None "
    "bias_constraint=None",
    layers.DepthwiseConv2D: "kernel_size strides=(1, 1) padding='valid' depth_multiplier=1 data_format=None "
    "dilation_rate=(1, 1) activation=None use_bias=True depthwise_initializer='glorot_uniform' "
    "bias_initializer='zeros' depthwise_regularizer=None bias_regularizer=None activity_regularizer=None "
    "depthwise_constraint=None bias_constraint=None",
    layers.SeparableConv2D: "filters kernel_size strides=(1, 1) padding='valid' data_format=None "
    "dilation_rate=(1, 1) depth_multiplier=1 activation=None use_bias=True depthwise_initializer='glorot_uniform' "
    "pointwise_initializer='glorot_uniform' bias_initializer='zeros' depthwise_regularizer=None "
    "pointwise_regularizer=None bias_regularizer=None activity_regularizer=None depthwise_constraint=None "
    "pointwise_constraint=None bias_constraint=None",
    layers.MaxPooling2D: "pool_size=(2, 2) strides=None padding='valid' data_format=None name=None",
    layers.AveragePooling2D: "pool_size=(2, 2) strides=None padding='valid' data_format=None name=None",
    layers.GlobalAveragePooling2D: "data_format=None keepdims=False",
    layers.GlobalMaxPooling2D: "data_format=None keepdims=False",
    layers.BatchNormalization: "axis=-1 momentum=0.99 epsilon=0.001 center=True scale=True beta_initializer='zeros' "
    "gamma_initializer='ones' moving_mean_initializer='zeros' moving_variance_initializer='ones' "
    "beta_regularizer=None gamma_regularizer=None beta_constraint=None gamma_constraint=None synchronized=False",
    layers.Dropout: "rate noise_shape=None seed=None",
    layers.Flatten: "data_format=None",
    layers.Reshape: "target_shape",
    layers.ZeroPadding2D: "padding=(1, 1) data_format=None",
    layers.Activation: "activation",
    layers.ReLU: "max_value=None negative_slope=0.0 threshold=0.0",
    layers.LeakyReLU: "negative_slope=0.3",
    layers.Softmax: "axis=-1",
    layers.Concatenate: "axis=-1",
    layers.InputLayer: "shape=None batch_size=None dtype=None sparse=None batch_shape=None name=None",
}


@pytest.mark.parametrize("cls", SIGNATURES)
def test_order_and_defaults_of_keras(cls):
    parameters = inspect.signature(cls).parameters.values()
    given = [p.replace(annotation=p.empty) for p in parameters if p.kind is not p.VAR_KEYWORD]
    assert " ".join(f"{p.name}={p.default!r}" if p.default is not p.empty else p.name for p in given) == SIGNATURES[cls]


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.Dense(3, **k),
        lambda **k: layers.Conv2D(3, 1, **k),
        lambda **k: layers.Flatten(**k),
        lambda **k: layers.ReLU(**k),
    ],
)
def test_an_unknown_argument_is_named(make):
    with pytest.raises(TypeError, match=r"unknown argument 'kernal_size'.*; it takes .*trainable"):
        make(kernal_size=3)


def test_common_arguments():
    layer = layers.Dense(3, name="head", trainable=False, dtype="float32")
    assert (layer.name, layer.trainable) == ("head", False)
    assert layers.Dense(3, dtype=np.float32).name
    with pytest.raises(ValueError, match="Dense: weights and results are float32, got dtype='float16'"):
        layers.Dense(3, dtype="float16")
    with pytest.raises(ValueError, match="expected a name without '/'"):
        layers.Dense(3, name="a/b")


def test_older_spellings_of_the_input_shape():
    assert layers.Dense(3, input_dim=4).input_shape_hint == (4,)
    assert layers.Dense(3, input_shape=(4,)).input_shape_hint == (4,)
    assert layers.Conv2D(3, 1, input_shape=[28, 28, 1]).input_shape_hint == (28, 28, 1)
    assert layers.Flatten(batch_input_shape=(None, 4, 5)).input_shape_hint == (4, 5)
    assert layers.Dense(3).input_shape_hint is None
    with pytest.raises(ValueError, match="Dense: input_shape must be an integer of at least 1, got None"):
        layers.Dense(3, input_shape=(None,))


def test_input():
    assert Input((28, 28, 1), name="picture").name == "picture"
    assert Input(5).shape == (None, 5)
    assert Input((5,), dtype="int32").dtype == "int32"
    assert Input(batch_shape=(8, 5)).shape == (8, 5)
    for wrong in (None, (0,), (2.5,)):
        with pytest.raises(ValueError, match="Input: expected a shape of positive sizes"):
            Input(wrong)
    with pytest.raises(ValueError, match="Input: dtype must be"):
        Input((3,), dtype="float16")


def test_input_layer():
    layer = layers.InputLayer((4, 5), name="start")
    assert layer.output.shape == (None, 4, 5)
    assert layer.output.name == "start"
    assert layer.input_shape_hint == (4, 5)
    assert layers.InputLayer(input_shape=(3,), dtype="int32").output.dtype == "int32"
    assert layers.Dense(2)(layer.output).source.layer.weights[0].shape == (5, 2)


# names and weights ---------------------------------------------------------------------------------------------------


def test_names_count_up():
    layers.reset_names()
    made = [
        layers.Conv2D(1, 1),
        layers.Conv2D(1, 1),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Conv2D(1, 1),
    ]
    assert [x.name for x in made] == ["conv2d", "conv2d_1", "re_lu", "global_average_pooling2d", "conv2d_2"]


def test_weights():
    layer = layers.Dense(3, name="head")
    assert layer.weights == []
    layer(Input((4,)))
    kernel, bias = normal(1, 4, 3), normal(2, 3)
    layer.set_weights([kernel, bias])
    assert_array_equal(layer.get_weights()[0], kernel)
    assert [w.name for w in layer.weights] == ["head/kernel", "head/bias"]
    assert layer.count_params() == 15
    with pytest.raises(ValueError, match="head has 2 weights, got 1 arrays"):
        layer.set_weights([kernel])
    with pytest.raises(ShapeError, match=r"head/bias has shape \(3,\), got an array of shape \(4, 3\)"):
        layer.set_weights([kernel, kernel])


def test_building_twice_makes_no_second_weights():
    layer = layers.Dense(3)
    for _ in range(2):
        layer.build((None, 4))
    layer(Input((4,)))
    assert len(layer.weights) == 2


def test_regularizers_stay_with_their_weights():
    layer = layers.Conv2D(2, 1, kernel_regularizer="l2", bias_regularizer=ops.sum)
    layer(Input((4, 4, 1)))
    assert layer.kernel.regularizer.l2 == 0.01
    assert layer.bias.regularizer is ops.sum
    assert layers.Dense(1).kernel_regularizer is None
    bn = layers.BatchNormalization(gamma_regularizer="l1")
    bn(Input((4,)))
    assert [w.regularizer is None for w in bn.weights] == [False, True, True, True]


def test_constraints_reach_the_weights():
    layer = layers.Dense(3, kernel_constraint="non_neg", bias_constraint=constraints.MaxNorm(3))
    layer(Input((2,)))
    assert [repr(w.constraint) for w in layer.weights] == ["NonNeg()", "MaxNorm(max_value=3, axis=0)"]


def test_initializers_reach_the_weights():
    layer = layers.Dense(3, kernel_initializer="ones", bias_initializer=lambda shape: np.arange(3))
    layer(Input((2,)))
    assert_array_equal(layer.get_weights()[0], np.ones((2, 3)))
    assert_array_equal(layer.get_weights()[1], [0, 1, 2])
    wrong = layers.Dense(3, name="head", kernel_initializer=lambda shape: np.zeros(2))
    with pytest.raises(ShapeError, match=r"layer head: the initializer gave shape \(2,\)"):
        wrong(Input((2,)))


def test_the_library_s_seed_repeats_weights():
    found = []
    for seed in (1, 1, 2):
        set_random_seed(seed)
        layer = layers.Dense(3)
        layer(Input((2,)))
        found.append(layer.get_weights()[0])
    assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).all()


# calls ---------------------------------------------------------------------------------------------------------------


def test_calls_are_remembered():
    layer = layers.Dense(3)
    x = Input((2,))
    y = layer(x)
    assert y.source.layer is layer
    assert layer.output is y
    assert layer.input is x
    layer(x)
    with pytest.raises(AttributeError, match="connected 2 times"):
        _ = layer.output
    a, b = Input((2,)), Input((2,))
    add = layers.Add()
    add([a, b])
    assert add.input == [a, b]


def test_calls_on_something_else():
    layer = layers.Dense(3, name="head")
    with pytest.raises(TypeError, match=r"head was called on ndarray: .* put it into a model"):
        layer(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="head was called on nothing"):
        layer([])


def test_layers_inside():
    block = Block(3, name="block")
    assert block(Input((3,))).shape == (None, 3)
    names = [w.name.split("/")[-1] for w in block.weights]
    assert names == ["scale", "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"]
    assert len(block.trainable_weights) == 5
    assert len(block.non_trainable_weights) == 2
    block.trainable = False
    assert not block.steps[1].trainable
    assert block.trainable_weights == []
    block.trainable = True
    block.steps[0].trainable = False
    assert [w.name.split("/")[-1] for w in block.trainable_weights] == ["scale", "gamma", "beta"]


def test_layers_inside_know_whether_it_is_training():
    block = Block(3)
    x = normal(3, 5, 3)
    apply(block, x)
    before = block.steps[1].moving_mean.numpy()
    apply(block, x)
    assert_array_equal(block.steps[1].moving_mean.numpy(), before)
    apply(block, x, training=True)
    assert (block.steps[1].moving_mean.numpy() != before).all()


def test_gradients_reach_the_layers_inside():
    block = Block(3)
    x, dy = normal(4, 5, 3), normal(5, 5, 3)
    block(Input((3,)))
    dx, dscale, dkernel, *_ = pull(block, x, dy=dy)
    w, b = (v.numpy() for v in block.steps[0].weights)
    z = (x @ w + b).astype(np.float64)
    y = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-3)
    assert_allclose(dscale, (dy * y).sum(0), *tolerance(np.float32, 64))
    assert np.abs(dkernel).max() > 0
    assert dx.shape == x.shape


def test_several_results():
    class Halves(layers.Layer):
        def call(self, x):
            return [ops.slice_(x, (None, 0), (None, 2)), ops.slice_(x, (None, 2), (None, None))]

    layer = Halves()
    a, b = layer(Input((5,)))
    assert (a.shape, b.shape, a.index, b.index) == ((None, 2), (None, 3), 0, 1)
    assert layer.output == [a, b]


def test_errors_name_the_innermost_layer():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = layers.Conv2D(1, 9, name="inner")

        def call(self, x):
            return self.inner(x)

    with pytest.raises(ShapeError, match=r"^layer inner: conv2d: the window of 9"):
        Outer()(Input((4, 4, 1)))


def test_a_layer_without_call():
    with pytest.raises(NotImplementedError, match=r"Layer.call"):
        layers.Layer()(Graph().input((1,)))


def test_a_misspelt_argument_is_named():
    with pytest.raises(TypeError, match=r"Conv2D: unknown argument 'kernal_size'; did you mean kernel_size\?"):
        layers.Conv2D(3, kernal_size=3)
    with pytest.raises(
        TypeError, match=r"Dense: unknown argument 'activaton' \(did you mean activation\?\); it takes units"
    ):
        layers.Dense(3, activaton="relu")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'kernel_size'"):
        layers.Conv2D(3, strides=2)
    assert list(inspect.signature(layers.Conv2D).parameters)[:2] == ["filters", "kernel_size"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.Conv2D(nb_filter=8, nb_row=3, nb_col=3),
            r"'nb_filter'; did you mean filters\?",
        ),
        (lambda: layers.Conv2D(8, 3, border_mode="same"), r"unknown argument 'border_mode' \(did you mean padding\?\)"),
        (lambda: layers.Dense(8, init="uniform"), r"unknown argument 'init' \(did you mean kernel_initializer\?\)"),
        (lambda: layers.Dropout(p=0.5), r"unknown argument 'p'; did you mean rate\?"),
        (
            lambda: layers.Dense(500, (784,)),
            r"Dense\(…, input_shape=\(784,\)\), or begin with Input\(\(784,\)",
        ),
        (lambda: layers.Dense(500, 784), r"give it by name, Dense\(…, input_shape=\(784,\)\)"),
        (lambda: layers.Conv2D(8, (3, 3), (28, 28, 1)), r"got \(28, 28, 1\); if that is .* input_shape=\(28, 28, 1\)"),
        (lambda: layers.Flatten((28, 28)), r"Flatten\(…, input_shape=\(28, 28\)\)"),
        (lambda: layers.Activation("relu", (784,)), r"Activation\(…, input_shape=\(784,\)\)"),
    ],
)
def test_arguments_of_older_code_and_shapes_without_a_name(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_advice_on_shapes_is_given_only_where_it_may_help():
    for make in (lambda: layers.Dense(-1), lambda: layers.Conv2D(8, 0), lambda: layers.Dropout(7)):
        with pytest.raises(ValueError, match="got") as found:
            make()
        assert "input_shape" not in str(found.value)


def test_output_dim_of_older_code():
    layer = layers.Dense(input_dim=28 * 28, output_dim=500)
    assert (layer.units, layer.input_shape_hint) == (500, (784,))
    assert layers.Embedding(5, output_dim=3).output_dim == 3
    with pytest.raises(TypeError, match="output_dim"):
        layers.Dense(units=3, output_dim=500)


class Penalised(layers.Layer):
    """x, with a tenth of the sum of its squares added to the loss."""

    def call(self, x):
        self.add_loss(0.1 * ops.square(x))
        return x


@pytest.mark.parametrize("inside", [False, True])
def test_add_loss(inside):
    class Around(layers.Layer):
        def __init__(self):
            super().__init__()
            self.layer = Penalised()

        def call(self, x):
            return self.layer(x)

    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 2)).astype(np.float32)
    model = Sequential([Input((3,)), layers.Dense(2, use_bias=False), Around() if inside else Penalised()])
    model.compile(optimizers.SGD(0.1), "mse")
    (w,) = model.get_weights()
    z = x @ w
    assert model.evaluate(x, y, batch_size=8, verbose=0) == pytest.approx(((z - y) ** 2).mean() + 0.1 * (z**2).sum())
    model.train_on_batch(x, y)
    gradient = x.T @ (2 * (z - y) / z.size + 0.2 * z)
    assert_allclose(model.get_weights()[0], w - 0.1 * gradient, rtol=1e-4, atol=1e-5)
    assert_allclose(model.predict(x), x @ model.get_weights()[0], rtol=1e-5, atol=1e-5)


def test_add_loss_takes_symbolic_values():
    class Wrong(layers.Layer):
        def call(self, x):
            self.add_loss(1.0)
            return x

    with pytest.raises(TypeError, match=r"wrong\.add_loss: expected a symbolic value, got float"):
        Wrong(name="wrong")(Input((3,)))


@pytest.mark.parametrize("result", [None, 1.0, np.ones(3)], ids=["None", "float", "ndarray"])
def test_a_call_must_give_a_symbolic_value(result):
    layer = type("Own", (layers.Layer,), {"call": lambda self, x: result})(name="own")
    with pytest.raises(TypeError, match=rf"own\.call gave {type(result).__name__}: expected a symbolic value"):
        layer(Input((3,)))


def test_a_forgotten_super_init():
    class Forgetful(layers.Layer):
        def __init__(self):
            self.inner = layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    for use in (lambda: Forgetful()(Input((3,))), lambda: Sequential([Input((3,)), Forgetful()])):
        with pytest.raises(
            AttributeError, match=r"Forgetful\.__init__ must begin with super\(\)\.__init__\(\*\*kwargs"
        ):
            use()
    with pytest.raises(AttributeError, match="is connected 0 times"):  # the words of a property are kept
        layers.Dense(2).output  # noqa: B018


def test_comparisons_between_layers_are_no_truth_values():
    x = Input((3,))
    assert x
    with pytest.raises(TypeError, match=r"is symbolic: .*edgenet\.ops\.where"):
        bool(x > 0)
