"""Transfer: a trained base under a new head, first frozen, then tuned at a low rate."""

import numpy as np
from slides.pictures import photos

from edgenet.layers import Conv2D, Dense, GlobalAveragePooling2D, Input, MaxPooling2D
from edgenet.models import Model, Sequential, load_model
from edgenet.optimizers import Adam


def test_freeze_train_thaw(tmp_path):
    (x, y), _ = photos(120, 1)
    x = x / 255.0
    base = Sequential([Input((32, 32, 3)), Conv2D(8, 3, activation="relu"), MaxPooling2D(4), Conv2D(8, 3)], name="base")
    first = Sequential([base, GlobalAveragePooling2D(), Dense(10, activation="softmax")])
    first.compile("adam", "sparse_categorical_crossentropy")
    first.fit(x, y, epochs=2, verbose=0)
    first.save(tmp_path / "first.edgenet")

    base_model = load_model(tmp_path / "first.edgenet").get_layer("base")
    base_model.trainable = False
    inputs = Input(shape=(32, 32, 3))
    features = base_model(inputs, training=False)
    outputs = Dense(1, activation="sigmoid")(GlobalAveragePooling2D()(features))
    model = Model(inputs, outputs)
    assert len(model.trainable_weights) == 2
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    before = base_model.get_weights()
    labels = (y[:, 0] < 5).astype("float32")
    model.fit(x, labels, epochs=2, verbose=0)
    for a, b in zip(before, base_model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(before[0], base.get_weights()[0])

    base_model.trainable = True
    model.compile(optimizer=Adam(1e-5), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x, labels, epochs=1, verbose=0)
    moved = np.abs(base_model.get_weights()[0] - before[0]).max()
    assert 0 < moved < 1e-3
