"""Write the files beside this one with Keras 3, and what Keras computes with them.

    KERAS_BACKEND=jax python tests/keras_files/generate.py

Each case is a branch of one model, so that a file holds many layers and stays small.  `tf_keras.h5` is of Keras 2:

    python tests/keras_files/generate.py --tf-keras        with the package tf_keras
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
IMAGE, STEPS, ROW = (6, 7, 4), (7, 4), (5,)


def cases(layers: Any) -> dict[str, tuple[tuple[int, ...], list[Any]]]:
    """Input shape and layers of each case."""
    L = layers
    images = {
        "conv_same_2": [L.Conv2D(3, 3, strides=2, padding="same", activation="relu")],
        "conv_dilated": [L.Conv2D(3, (3, 2), dilation_rate=2, use_bias=False)],
        "conv_grouped": [L.Conv2D(6, 3, groups=2, activation="gelu")],
        "conv_norm": [L.Conv2D(3, 1), L.BatchNormalization(), L.ReLU(6.0)],
        "conv_transpose": [L.Conv2DTranspose(3, 3, strides=2, padding="same")],
        "conv_transpose_valid": [L.Conv2DTranspose(2, (2, 3), strides=3, output_padding=1)],
        "depthwise": [L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")],
        "separable": [L.SeparableConv2D(3, 3, depth_multiplier=2)],
        "max_pool": [L.MaxPooling2D(3, strides=2, padding="same")],
        "average_pool": [L.AveragePooling2D(2, strides=1, padding="same")],
        "global_average": [L.GlobalAveragePooling2D(keepdims=True)],
        "global_max": [L.GlobalMaxPooling2D()],
        "norm_bare": [L.BatchNormalization(center=False, scale=False, momentum=0.9, epsilon=1e-5)],
        "norm_axis": [L.BatchNormalization(axis=1)],
        "layer_norm": [L.LayerNormalization(axis=[-1, -2])],
        "group_norm": [L.GroupNormalization(2)],
        "unit_norm": [L.UnitNormalization()],
        "normalization": [L.Normalization()],
        "normalization_told": [L.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 16.0])],
        "prelu": [L.PReLU(shared_axes=[1, 2], alpha_initializer="random_normal")],
        "leaky": [L.LeakyReLU(0.1)],
        "elu": [L.ELU(0.7)],
        "softmax": [L.Softmax(axis=1)],
        "upsampling": [L.UpSampling2D((2, 3))],
        "upsampling_bilinear": [L.UpSampling2D(2, interpolation="bilinear")],
        "resizing": [L.Resizing(4, 9)],
        "cropping": [L.Cropping2D(((1, 2), (0, 1)))],
        "zero_padding": [L.ZeroPadding2D(((1, 0), (2, 3)))],
        "permute_reshape": [L.Permute((3, 1, 2)), L.Reshape((4, -1))],
        "flatten_dense": [L.Flatten(), L.Dense(3, activation="softmax", kernel_regularizer="l2")],
        "noise": [L.SpatialDropout2D(0.2), L.GaussianNoise(0.1), L.Dropout(0.5), L.Rescaling(1 / 255, offset=-0.5)],
        "augmentation": [
            L.RandomFlip("horizontal"), L.RandomTranslation(0.1, 0.2), L.RandomRotation(0.1), L.RandomZoom(0.1),
            L.RandomContrast(0.2),
        ],
    }  # fmt: skip
    for name in ("tanh", "sigmoid", "silu", "hard_silu", "hard_sigmoid", "softplus", "softsign", "mish", "exponential",
                 "selu", "relu6", "log_softmax", "leaky_relu"):  # fmt: skip
        images[f"act_{name}"] = [L.Activation(name)]
    steps = {
        "conv1d": [L.Conv1D(3, 3, padding="causal", dilation_rate=2)],
        "conv1d_same": [L.Conv1D(3, 3, padding="same", strides=2)],
        "max_pool1d": [L.MaxPooling1D(2)],
        "average_pool1d": [L.AveragePooling1D(3, strides=2, padding="same")],
        "global1d": [L.GlobalAveragePooling1D()],
        "global_max1d": [L.GlobalMaxPooling1D()],
        "spatial1d": [L.SpatialDropout1D(0.2), L.Dense(2)],
    }
    rows = {
        "dense": [L.Dense(3, activation="elu", kernel_constraint="max_norm", bias_initializer="ones")],
        "repeat": [L.RepeatVector(3)],
    }
    found = {}
    for shape, group in ((IMAGE, images), (STEPS, steps), (ROW, rows)):
        found.update({name: (shape, chain) for name, chain in group.items()})
    return found


def inputs(seed: int) -> list[np.ndarray]:
    """A batch for each input."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(2, *shape)).astype(np.float32) for shape in (IMAGE, STEPS, ROW)]


def fill(model: Any, seed: int = 3) -> None:
    """Give every weight numbers of its own; variances are positive."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        arrays = [rng.normal(size=np.shape(w)) for w in layer.get_weights()]
        if type(layer).__name__ in ("BatchNormalization", "Normalization", "Sequential", "Functional"):
            arrays = [np.abs(a) + 0.5 for a in arrays]
        layer.set_weights([a.astype(np.asarray(w).dtype) for a, w in zip(arrays, layer.get_weights(), strict=True)])
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def branches(keras: Any) -> Any:
    """One model with every case as an output."""
    starts = {
        shape: keras.Input(shape, name=name) for shape, name in ((IMAGE, "image"), (STEPS, "steps"), (ROW, "row"))
    }
    outputs = []
    for name, (shape, chain) in cases(keras.layers).items():
        x = starts[shape]
        for i, layer in enumerate(chain):
            layer.name = f"{name}_{i}"
            x = layer(x)
        outputs.append(x)
    return keras.Model(list(starts.values()), outputs, name="branches")


def merged(keras: Any) -> Any:
    """Shared layers, nested models, layers that join, operators on tensors."""
    L = keras.layers
    a = keras.Input((6, 7, 4), name="image")
    inner = keras.Sequential(
        [keras.Input((6, 7, 4)), L.Conv2D(4, 3, padding="same"), L.BatchNormalization(), L.Dropout(0.2)], name="twice"
    )
    inner.layers[0].trainable = False
    p = keras.Input((6, 7, 4))
    q = L.Dense(4)(p)
    side = keras.Model(p, [L.ReLU()(q), q], name="side")
    x = inner(inner(a))
    y, z = side(x)
    u, v = side(a)
    joined = L.Concatenate()([L.Add()([x, y, z]), L.Multiply()([u, v]), L.Average()([x, a]), L.Subtract()([x, a])])
    most = L.Maximum()([L.Minimum()([x, u]), a])
    scaled = (most * 2.0 + x - 0.5) / 4.0
    pooled = L.GlobalAveragePooling2D()(joined)
    far = L.Dot(axes=1, normalize=True)([L.Flatten()(scaled), L.Flatten()(a)])
    end = L.Dense(3, activation="softmax", name="head")(L.Concatenate()([pooled, far]))
    model = keras.Model(a, [end, side(scaled)[0]], name="merged")
    model.compile("adam", loss=["categorical_crossentropy", None])
    return model


def chain(keras: Any, dtype: str = "int32") -> Any:
    """A Sequential of words."""
    L = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6,), dtype=dtype), L.Embedding(11, 4), L.Conv1D(3, 2, activation="tanh"), L.Flatten(),
            L.Dense(2, activation="softmax", name="class"),
        ],
        name="words",
    )  # fmt: skip
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return model


def channels_first(keras: Any) -> Any:
    """Layers that want the channels first, between layers that do not care."""
    L, first = keras.layers, {"data_format": "channels_first"}
    a = keras.Input((4, 6, 7), name="image")
    x = L.ZeroPadding2D(1, **first)(a)
    x = L.Conv2D(4, 3, padding="same", activation="relu", **first)(x)
    x = L.BatchNormalization(axis=1)(x)
    x = L.Activation("tanh")(x)
    y = L.DepthwiseConv2D(3, padding="same", **first)(x)
    y = L.UpSampling2D(2, **first)(L.AveragePooling2D(2, **first)(y))
    x = L.Concatenate(axis=1)(
        [L.Add()([x, L.Cropping2D(((0, 0), (0, 1)), **first)(L.ZeroPadding2D(((0, 0), (0, 1)), **first)(x))]), x]
    )
    z = L.Softmax()(L.Dense(3)(x))
    x = L.Conv2DTranspose(3, 2, strides=2, **first)(x)
    x = L.MaxPooling2D(2, **first)(L.SpatialDropout2D(0.2, **first)(x))
    ends = [
        L.Flatten(**first)(x),
        L.GlobalAveragePooling2D(**first)(x),
        L.GlobalMaxPooling2D(keepdims=True, **first)(y),
        z,
    ]
    ends.append(L.Conv1D(3, 2, **first)(L.Reshape((4, 42))(a)))
    return keras.Model(a, ends, name="channels_first")


def squeezed(path: Path) -> None:
    """Compress the members of a `.keras` file, which is mostly the administration of HDF5."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)


def write(keras: Any, model: Any, x: Any, names: list[str]) -> None:
    """Files of these names, and the outputs."""
    fill(model)
    for name in names:
        model.save(HERE / name)
        if name.endswith(".keras"):
            squeezed(HERE / name)
    y = model.predict(x, verbose=0)
    y = y if isinstance(y, list | tuple) else [y]
    np.savez_compressed(HERE / f"{names[0].partition('.')[0]}.npz", *[np.asarray(a, np.float32) for a in y])


def main() -> None:
    """Write all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tf-keras", action="store_true")
    words = np.random.default_rng(1).integers(0, 11, (2, 6))
    if parser.parse_args().tf_keras:
        import tf_keras as keras

        write(keras, merged(keras), inputs(0)[0], ["tf_keras.h5"])
        return
    import keras

    print("keras", keras.__version__, file=sys.stderr)
    write(keras, branches(keras), inputs(0), ["branches.keras"])
    write(keras, merged(keras), inputs(0)[0], ["merged.keras", "merged.h5"])
    write(keras, channels_first(keras), inputs(0)[0].transpose(0, 3, 1, 2), ["channels_first.keras"])
    write(keras, chain(keras), words, ["words.h5", "words.keras"])


if __name__ == "__main__":
    main()
