"""Training on generators, data loaders and other iterables; steps, and when validation takes place."""

import numpy as np
import pytest

from edgenet import Input, Model, Sequential, callbacks, layers, optimizers
from edgenet.utils import set_random_seed


def model():
    set_random_seed(1)
    made = Sequential([Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)], name="net")
    made.compile(optimizers.Adam(0.05), "mse", metrics=["mae"])
    return made


def samples(n=20, seed=1):
    x = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    return x, x.sum(axis=1)


def cut(x, y, size=6):
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


class Indexed:
    """As keras.utils.PyDataset."""

    def __init__(self, batches):
        self.batches, self.ends, self.asked = batches, 0, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        self.asked.append(i)
        return self.batches[i]

    def on_epoch_end(self):
        self.ends += 1


class Loader:
    """As a data loader: batches are lists, and every epoch begins anew."""

    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter([list(b) for b in self.batches])


def endless(batches):
    while True:
        yield from batches


SOURCES = {
    "list": (lambda b: b, {}),
    "indexed": (Indexed, {}),
    "loader": (Loader, {}),
    "generator": (endless, {"steps_per_epoch": 4}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_batches_teach_the_same(name):
    x, y = samples()
    make, options = SOURCES[name]
    one, other = model(), model()
    wanted = one.fit(x, y, batch_size=6, epochs=3, shuffle=False, verbose=0, validation_data=samples(7, 2))
    found = other.fit(
        make(cut(x, y)), epochs=3, shuffle=False, verbose=0, validation_data=iter(cut(*samples(21, 2))),
        validation_steps=1, **options,
    )  # fmt: skip
    assert found.history["loss"] == wanted.history["loss"]
    assert len(found.history["val_loss"]) == 3
    assert found.params["steps"] == wanted.params["steps"] == 4
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [lambda b: b, Indexed, Loader, iter])
def test_evaluate_and_predict(make):
    x, y = samples()
    m = model()
    assert m.evaluate(make(cut(x, y)), verbose=0) == pytest.approx(m.evaluate(x, y, batch_size=6, verbose=0))
    np.testing.assert_array_equal(m.predict(make(cut(x, y))), m.predict(x, batch_size=6))
    np.testing.assert_array_equal(m.predict(make([(b,) for b, _ in cut(x, y)])), m.predict(x, batch_size=6))
    np.testing.assert_array_equal(m.predict(x, batch_size=6, steps=2), m.predict(x, batch_size=6)[:12])
    assert m.evaluate(x, y, batch_size=6, steps=2, verbose=0) == m.evaluate(x[:12], y[:12], batch_size=6, verbose=0)
    assert m.evaluate(make(cut(x, y)), steps=2, verbose=0) == m.evaluate(x[:12], y[:12], batch_size=6, verbose=0)


def test_weights_of_samples_and_of_classes_count_in_batches():
    x, y = samples()
    weight = np.linspace(0, 2, 20).astype(np.float32)
    one, other = model(), model()
    one.fit(x, y, batch_size=6, sample_weight=weight, shuffle=False, verbose=0)
    other.fit(((*b, weight[6 * i : 6 * i + 6]) for i, b in enumerate(cut(x, y))), verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    labels = (y > 0).astype(np.float32)
    one, other = model(), model()
    one.fit(x, labels, batch_size=6, class_weight={0: 3.0}, shuffle=False, verbose=0)
    other.fit(iter(cut(x, labels)), class_weight={0: 3.0}, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_indexed_source_is_shuffled_and_told_of_epochs():
    source = Indexed(cut(*samples(60)))
    model().fit(source, epochs=2, verbose=0)
    first, second = source.asked[:10], source.asked[10:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert source.ends == 2


def test_several_inputs_by_list_and_by_name():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    m = Model([a, b], layers.Dense(1)(layers.Add()([a, b])))
    m.compile("sgd", "mse")
    x, y = samples()
    for given in ([x, x], {"a": x, "b": x}):
        assert m.evaluate(iter([(given, y)]), verbose=0) == m.evaluate([x, x], y, verbose=0)
    np.testing.assert_array_equal(m.predict(iter([([x, x], y)])), m.predict([x, x]))


def test_a_model_without_a_shape_is_built_by_the_first_batch():
    m = Sequential([layers.Dense(1)])
    m.compile("sgd", "mse")
    m.fit(iter(cut(*samples())), verbose=0)
    assert m.input_shape == (None, 3)


def seen_by(m, x, y, **options):
    """Numbers of samples of each step."""
    order = []

    class Seen(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            order.append(batch)

    history = m.fit(x, y, verbose=0, callbacks=Seen(), **options)
    return order, history


def test_steps_per_epoch_goes_on_where_the_last_epoch_ended():
    x, y = samples(24)
    one, other = model(), model()
    order, history = seen_by(one, x, y, batch_size=6, steps_per_epoch=2, epochs=4, shuffle=False)
    assert order == [0, 1] * 4
    assert history.params["steps"] == 2
    other.fit(x, y, batch_size=6, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_that_wants_more_than_there_is():
    x, y = samples()
    with pytest.warns(UserWarning, match="the data ended after 4 of the 5 steps"):
        order, _ = seen_by(model(), x, y, batch_size=6, steps_per_epoch=5)
    assert order == [0, 1, 2, 3]
    with pytest.warns(UserWarning, match="the data ended after 4 of the 5 steps"):
        seen_by(model(), iter(cut(x, y)), None, steps_per_epoch=5)
    with pytest.warns(UserWarning, match=r"net\.fit: x gave no batches in Epoch 2/3, so training ends"):
        history = model().fit(iter(cut(x, y)), epochs=3, verbose=0)
    assert history.epoch == [0]


def test_validation_steps_take_the_first_batches_every_time():
    x, y = samples()
    m = model()
    m.compile(optimizers.SGD(0.0), "mse")
    found = m.fit(x, y, epochs=2, verbose=0, validation_data=(x, y), validation_batch_size=4, validation_steps=2)
    wanted = m.evaluate(x[:8], y[:8], batch_size=4, verbose=0)
    assert found.history["val_loss"] == [wanted, wanted]


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({"validation_freq": 2}, [1, 3]),
        ({"validation_freq": [1, 4]}, [0, 3]),
        ({"validation_freq": 2, "initial_epoch": 1}, [1, 3]),
    ],
)
def test_when_validation_takes_place(options, epochs):
    found = []

    class Log(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if "val_loss" in logs:
                found.append(epoch)

    model().fit(*samples(), epochs=4, verbose=0, validation_split=0.5, callbacks=[Log()], **options)
    assert found == epochs


def test_progress_without_a_known_length(capsys):
    m = model()
    for verbose in (1, 2):
        m.fit(iter(cut(*samples())), verbose=verbose)
    assert "Epoch 1/1 - 4/4 - " in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda m, b: m.fit(iter(b), np.ones(3)), ValueError, "leave y and sample_weight out"),
        (lambda m, b: m.fit(iter(b), validation_split=0.1), ValueError, "use validation_data"),
        (lambda m, b: m.fit(iter([])), ValueError, r"net\.fit: x gave no batches"),
        (lambda m, b: m.evaluate(iter([])), ValueError, r"net\.evaluate: x gave no batches"),
        (lambda m, b: m.predict(iter([])), ValueError, r"net\.predict: x gave no batches"),
        (lambda m, b: m.fit(b, validation_data=iter([])), ValueError, "validation_data gave no batches"),
        (lambda m, b: m.fit(iter([b[0] * 2])), ValueError, "got 4 parts"),
        (lambda m, b: m.fit(iter([b[0][:1]])), ValueError, "y is missing"),
        (lambda m, b: m.fit(b, validation_freq=0), ValueError, "validation_freq must be a positive integer"),
        (lambda m, b: m.fit(b, steps_per_epoch=1.5), ValueError, "steps_per_epoch must be a positive integer"),
    ],
)
def test_what_is_wrong_is_said(call, kind, message):
    with pytest.raises(kind, match=message):
        call(model(), cut(*samples()))
