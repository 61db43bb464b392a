"""What `summary` prints: shapes, numbers of weights by hand, totals."""

import re

import pytest

from edgenet import Input, Model, Sequential, layers

MODELS = {
    "dense 3 4 4 1": (lambda: [Input((3,)), *(layers.Dense(n) for n in (4, 4, 1))], [0, 16, 20, 5], "41"),
    "mlp": (lambda: [Input((10,)), *(layers.Dense(n) for n in (20, 20, 10))], [0, 220, 420, 210], "850"),
    "one convolution": (lambda: [Input((32, 32, 3)), layers.Conv2D(6, 5)], [0, 456], "456"),
    "digits": (
        lambda: [
            Input((28, 28, 1)), layers.Conv2D(28, kernel_size=(3, 3)), layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        [0, 280, 0, 0, 13 * 13 * 28 * 128 + 128, 0, 1290],
        "607,394",
    ),
    # 31 × 31 × 4 numbers before the 64 units: the first convolution keeps the size, 128 → 64 → 62 → 31
    "pictures": (
        lambda: [
            Input((128, 128, 3)), layers.Conv2D(4, 3, padding="same"), layers.MaxPooling2D(), layers.Conv2D(4, 3),
            layers.MaxPooling2D(), layers.Flatten(), layers.Dense(64), layers.Dense(5),
        ],
        [0, 112, 0, 148, 0, 0, 31 * 31 * 4 * 64 + 64, 325],
        "246,665",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_numbers_of_weights(name, capsys):
    stack, each, total = MODELS[name]
    model = Sequential(stack(), name="net")
    model.summary()
    text = capsys.readouterr().out
    rows = re.findall(r"^\w+ \(\w+\) +\(None.*?\) +([\d,]+) +[\d,]+$", text, re.MULTILINE)
    assert [int(n.replace(",", "")) for n in rows] == each
    assert f"Total params: {total} (" in text
    assert f"Trainable params: {total} (" in text
    assert "Non-trainable params: 0 (0 B)" in text
    assert model.count_params() == int(total.replace(",", ""))


def test_frozen_and_shared_weights(capsys):
    x, shared = Input((4,)), layers.Dense(4, name="twice")
    model = Model(x, layers.Dense(1, name="head")(shared(shared(x))))
    shared.trainable = False
    model.summary()
    text = capsys.readouterr().out
    assert text.count("twice (Dense)") == 2
    assert text.count("(shared)") == 1
    assert "Total params: 25 (100 B)" in text
    assert "Trainable params: 5 (20 B)" in text
    assert "Non-trainable params: 20 (80 B)" in text
