"""Training steps against the same steps in NumPy, and what must not change their result."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from models import network

from edgenet import Input, Model, Sequential, layers, losses, optimizers
from edgenet.callbacks import Callback
from edgenet.kernels.parallel import num_threads
from edgenet.utils import set_random_seed

SPARSE = "sparse_categorical_crossentropy"


def mlp_model(softmax=True):
    end = layers.Dense(5, activation="softmax" if softmax else None)
    return Sequential([Input((11,)), layers.Dense(17, activation="relu"), end])


def cnn_model(softmax=True):
    return Sequential(
        [
            Input((8, 6, 3)),
            layers.Conv2D(7, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="softmax" if softmax else None),
        ]
    )


def samples(model, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *model.input_shape[1:])).astype(np.float32)
    return x, rng.integers(0, 5, n)


STEPS = [
    ("sgd", lambda: optimizers.SGD(0.1), lambda: network.Sgd(learning_rate=0.1)),
    ("momentum", lambda: optimizers.SGD(0.1, momentum=0.9), lambda: network.Sgd(learning_rate=0.1, momentum=0.9)),
    (
        "nesterov",
        lambda: optimizers.SGD(0.05, momentum=0.8, nesterov=True),
        lambda: network.Sgd(learning_rate=0.05, momentum=0.8, nesterov=True),
    ),
    ("adam", lambda: optimizers.Adam(0.01), lambda: network.Adam(learning_rate=0.01)),
    (
        "adam_betas",
        lambda: optimizers.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
        lambda: network.Adam(learning_rate=0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
    ),
    ("rmsprop", lambda: optimizers.RMSprop(0.003), lambda: network.Rmsprop(0.003)),
]


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("softmax", [True, False], ids=["softmax", "logits"])
@pytest.mark.parametrize(("make", "oracle"), [(mlp_model, network.mlp), (cnn_model, network.cnn)], ids=["mlp", "cnn"])
@pytest.mark.parametrize(("optimizer", "reference"), [s[1:] for s in STEPS], ids=[s[0] for s in STEPS])
def test_steps_are_those_of_the_oracle(make, oracle, softmax, optimizer, reference, seed):
    set_random_seed(seed)
    model, truth = make(softmax), reference()
    model.compile(optimizer(), SPARSE if softmax else losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = [w.astype(np.float64) for w in model.get_weights()]
    x, y = samples(model, 48, seed)
    for first in range(0, 48, 8):
        batch = slice(first, first + 8)
        loss, grads = oracle(weights, x[batch], y[batch])
        weights = truth.step(weights, grads)
        assert model.train_on_batch(x[batch], y[batch]) == pytest.approx(loss, abs=1e-5), f"seed {seed}"
    for ours, wanted in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-5, err_msg=f"seed {seed}")


@pytest.mark.parametrize("make", [mlp_model, cnn_model], ids=["mlp", "cnn"])
def test_fit_takes_the_batches_in_order_and_the_rest_as_a_smaller_one(make):
    set_random_seed(1)
    model = make()
    model.compile(optimizers.SGD(0.1), SPARSE)
    start = model.get_weights()
    x, y = samples(model, 21, 1)
    history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    fitted = model.get_weights()
    model.set_weights(start)
    for epoch in range(2):
        steps = [(len(x[i : i + 8]), model.train_on_batch(x[i : i + 8], y[i : i + 8])) for i in (0, 8, 16)]
        assert history.history["loss"][epoch] == pytest.approx(sum(n * v for n, v in steps) / 21, rel=1e-6)
    for a, b in zip(fitted, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int16, np.float32, ">f4"])
def test_the_dtype_and_the_memory_order_of_samples_do_not_matter(dtype):
    rng = np.random.default_rng(2)
    x = rng.integers(0, 100, (40, 11))
    y = rng.integers(0, 5, 40)

    def run(x, y):
        set_random_seed(5)
        model = mlp_model()
        model.compile("adam", SPARSE)
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        return model.predict(x, batch_size=16)

    truth = run(x.astype(np.float32), y.astype(np.int32))
    np.testing.assert_array_equal(run(x.astype(dtype), y.astype(np.uint8)), truth)
    np.testing.assert_array_equal(run(np.asfortranarray(x.astype(dtype)), y[:, None].astype(np.float32)), truth)


def deep_model():
    return Sequential(
        [
            Input((12, 12, 3)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weights_are_the_same_bits_for_any_number_of_threads(optimizer):
    results = []
    for threads in (1, 2, 4):
        set_random_seed(7)
        model = deep_model()
        model.compile(optimizer, SPARSE, metrics=["accuracy"])
        x, y = samples(model, 70, 7)
        with num_threads(threads):
            history = model.fit(x, y, batch_size=32, epochs=2, verbose=0)
        results.append((model.get_weights(), history.history))
    for weights, history in results[1:]:
        assert history == results[0][1]
        for a, b in zip(weights, results[0][0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_seed_decides_weights_order_and_dropout():
    def run(seed):
        set_random_seed(seed)
        model = deep_model()
        model.compile("sgd", SPARSE)
        model.fit(*samples(model, 50, 1), epochs=2, verbose=0)
        return np.concatenate([w.ravel() for w in model.get_weights()])

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_each_epoch_takes_every_sample_once_in_another_order():
    orders = []

    class Order(Callback):
        def on_train_batch_end(self, batch, logs=None):
            runner = next(r for key, r in self.model._programs.items() if key[0] == "train")
            with runner.lock:
                orders.append(runner.program.outputs[1][0].item())  # the sum of one sample

    set_random_seed(3)
    # the metric is the sample itself, and so its running average tells the order
    model = Sequential([Input((1,)), layers.Dense(1, kernel_initializer="ones", trainable=False), layers.Dense(1)])
    model.compile(optimizers.SGD(0.0), "mse", metrics=[lambda y_true, y_pred: y_true])
    x = np.arange(30, dtype=np.float32)[:, None]
    model.fit(x, x, batch_size=1, epochs=3, verbose=0, callbacks=[Order()])
    epochs = np.array(orders).reshape(3, 30)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), x[:, 0])
    assert len({tuple(e) for e in [*epochs, x[:, 0]]}) == 4


@pytest.mark.parametrize("frozen", [0, 1])
def test_frozen_layers_keep_their_bits_while_the_others_learn(frozen):
    set_random_seed(4)
    model = mlp_model()
    model.layers[frozen].trainable = False
    model.compile("adam", SPARSE)
    start = [layer.get_weights() for layer in model.layers]
    model.fit(*samples(model, 40, 4), epochs=3, verbose=0)
    for i, layer in enumerate(model.layers):
        same = [np.array_equal(a, b) for a, b in zip(layer.get_weights(), start[i], strict=True)]
        assert all(same) if i == frozen else not any(same)


def test_a_frozen_batch_normalization_is_one_of_inference():
    set_random_seed(4)
    model = deep_model()
    model.layers[1].trainable = False
    model.compile("sgd", SPARSE)
    start = model.layers[1].get_weights()
    x, y = samples(model, 20, 4)
    model.fit(x, y, verbose=0)
    for a, b in zip(model.layers[1].get_weights(), start, strict=True):
        np.testing.assert_array_equal(a, b)
    model.layers[1].trainable = True
    model.compile("sgd", SPARSE)
    model.fit(x, y, verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(model.layers[1].get_weights(), start, strict=True))


def test_the_moments_of_layers_that_stay_survive_freezing_others():
    set_random_seed(6)
    model = mlp_model()
    adam = optimizers.Adam(0.01)
    model.compile(adam, SPARSE)
    x, y = samples(model, 32, 6)
    model.train_on_batch(x, y)
    head = model.layers[1].weights
    before = {id(v): adam.state["m"].array[span].copy() for v, span in adam.layout}
    model.layers[0].trainable = False
    model.compile(adam, SPARSE)
    model._settle_weights()
    assert [v for v, _ in adam.layout] == head
    for v, span in adam.layout:
        np.testing.assert_array_equal(adam.state["m"].array[span], before[id(v)])
    assert adam.iterations.array[0] == 1


def test_predictions_follow_weights_that_training_another_model_changed():
    set_random_seed(8)
    x = Input((11,))
    features = layers.Dense(17, activation="relu")(x)
    model, inside = Model(x, layers.Dense(5, activation="softmax")(features)), Model(x, features)
    data, labels = samples(model, 32, 8)
    inside.predict(data)  # a program that knows where the weights were
    model.compile(optimizers.SGD(0.5), SPARSE)
    model.fit(data, labels, verbose=0)
    w, b = inside.get_weights()
    wanted = np.maximum(data.astype(np.float64) @ w + b, 0)
    np.testing.assert_allclose(inside.predict(data), wanted, rtol=1e-5, atol=1e-5)


def test_two_models_that_share_a_layer_train_in_turn():
    set_random_seed(9)
    x = Input((11,))
    shared = layers.Dense(17, activation="relu")
    one = Model(x, layers.Dense(5, activation="softmax")(shared(x)))
    two = Model(x, layers.Dense(5, activation="softmax")(shared(x)))
    for model in (one, two):
        model.compile(optimizers.SGD(0.1), SPARSE)
    data, labels = samples(one, 16, 9)
    for _ in range(2):
        for model in (one, two):
            start = [w.astype(np.float64) for w in model.get_weights()]
            model.train_on_batch(data, labels)
            _, grads = network.mlp(start, data, labels)
            for w, s, g in zip(model.get_weights(), start, grads, strict=True):
                np.testing.assert_allclose(w, s - 0.1 * g, rtol=1e-5, atol=1e-5)


def test_the_learning_rate_changes_without_a_new_program():
    set_random_seed(10)
    model = mlp_model()
    model.compile(optimizers.SGD(0.5), SPARSE)
    x, y = samples(model, 16, 10)
    model.train_on_batch(x, y)
    program = next(iter(model._programs.values()))
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    model.train_on_batch(x, y)
    assert next(iter(model._programs.values())) is program
    assert model.optimizer.iterations.array[0] == 2
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_clipping_bounds_the_step():
    set_random_seed(11)
    x = np.full((4, 11), 1000, np.float32)
    y = np.zeros(4)
    for options, norm in (({"global_clipnorm": 0.5}, 0.5), ({"clipvalue": 0.01}, None)):
        model = mlp_model(softmax=False)
        model.compile(optimizers.SGD(1.0, **options), losses.SparseCategoricalCrossentropy(from_logits=True))
        start = np.concatenate([w.ravel() for w in model.get_weights()])
        model.train_on_batch(x, y)
        step = np.concatenate([w.ravel() for w in model.get_weights()]) - start
        if norm is None:
            assert np.abs(step).max() == pytest.approx(0.01, rel=1e-3)
        else:
            assert np.linalg.norm(step) == pytest.approx(norm, rel=1e-3)


def test_a_regularizer_adds_to_loss_and_gradient():
    set_random_seed(12)
    from edgenet import regularizers

    model = Sequential([Input((3,)), layers.Dense(2, use_bias=False, kernel_regularizer=regularizers.L2(0.1))])
    model.compile(optimizers.SGD(0.5), "mse")
    (w,) = (a.astype(np.float64) for a in model.get_weights())
    x = np.zeros((4, 3), np.float32)
    y = np.zeros((4, 2), np.float32)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(0.1 * (w**2).sum(), rel=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(0.1 * (w**2).sum(), rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], w - 0.5 * 0.2 * w, rtol=1e-5)


def test_sample_and_class_weights_scale_the_loss():
    set_random_seed(13)
    model = mlp_model()
    model.compile(optimizers.SGD(0.0), SPARSE)
    x, y = samples(model, 10, 13)
    each = np.array([model.evaluate(x[i : i + 1], y[i : i + 1], verbose=0) for i in range(10)])
    factors = np.linspace(0, 2, 10)
    weighted = model.evaluate(x, y, sample_weight=factors, verbose=0)
    assert weighted == pytest.approx((each * factors).mean(), rel=1e-5)
    by_class = {0: 3.0, 2: 0.5}
    history = model.fit(x, y, class_weight=by_class, verbose=0, shuffle=False)
    wanted = (each * [by_class.get(int(label), 1.0) for label in y]).mean()
    assert history.history["loss"][0] == pytest.approx(wanted, rel=1e-5)


def test_freezing_has_no_effect_until_compile():
    set_random_seed(16)
    model = mlp_model()
    model.compile("sgd", SPARSE)
    x, y = samples(model, 10, 16)
    model.fit(x, y, verbose=0)
    for layer in model.layers[:-1]:
        layer.trainable = False
    before = model.get_weights()
    with pytest.warns(UserWarning, match=r"has no effect until model\.compile\(…\) is called again") as told:
        model.fit(x, y, verbose=0)
    assert told[0].filename == __file__
    model.fit(x, y, verbose=0)  # it was said once
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    model.compile("sgd", SPARSE)
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * (len(changed) - 2) + [True, True]


def test_training_learns():
    set_random_seed(14)
    model = cnn_model()
    model.compile(optimizers.Adam(0.01), SPARSE, metrics=["accuracy"])
    rng = np.random.default_rng(14)
    y = rng.integers(0, 5, 400)
    x = rng.normal(size=(400, 8, 6, 3)) + 0.8 * rng.normal(size=(5, 8, 6, 3))[y]
    history = model.fit(x[:300], y[:300], epochs=12, verbose=0, validation_data=(x[300:], y[300:])).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert history["val_accuracy"][-1] > 0.9


def test_threads_of_python_may_predict_with_one_model_at_once():
    set_random_seed(15)
    model = cnn_model()
    rng = np.random.default_rng(15)
    samples_of = [rng.normal(size=(40, 8, 6, 3)).astype(np.float32) for _ in range(4)]
    wanted = [model.predict(x, batch_size=16) for x in samples_of]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = pool.map(lambda x: model.predict(x, batch_size=16), samples_of)
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(a, b)
