"""Autoencoders: pictures are their own targets."""

from slides.pictures import digits

from edgenet.layers import Conv2D, Dense, Input, MaxPooling2D, UpSampling2D
from edgenet.models import Model

(x_train, _), (x_test, _) = digits(300, 50, classes=4)


def test_dense():
    encoding_dim = 16
    input_img = Input(shape=(784,))
    encoded = Dense(encoding_dim, activation="relu")(input_img)
    decoded = Dense(784, activation="sigmoid")(encoded)
    autoencoder = Model(input_img, decoded)
    encoder = Model(input_img, encoded)
    encoded_input = Input(shape=(encoding_dim,))
    decoder_layer = autoencoder.layers[-1]
    decoder = Model(encoded_input, decoder_layer(encoded_input))
    autoencoder.compile(optimizer="adam", loss="binary_crossentropy")

    x, held = x_train.reshape(-1, 784) / 255.0, x_test.reshape(-1, 784) / 255.0
    history = autoencoder.fit(
        x, x, epochs=10, batch_size=32, shuffle=True, validation_data=(held, held), verbose=0
    ).history  # fmt: skip
    assert history["val_loss"][-1] < 0.8 * history["val_loss"][0]
    codes = encoder.predict(held)
    assert codes.shape == (50, 16)
    error = abs(decoder.predict(codes) - autoencoder.predict(held)).max()
    assert error < 1e-6  # they share their weights


def test_convolutional():
    input_img = Input(shape=(28, 28, 1))
    x = Conv2D(8, (3, 3), activation="relu", padding="same")(input_img)
    x = MaxPooling2D((2, 2), padding="same")(x)
    x = Conv2D(4, (3, 3), activation="relu", padding="same")(x)
    encoded = MaxPooling2D((2, 2), padding="same")(x)
    x = Conv2D(4, (3, 3), activation="relu", padding="same")(encoded)
    x = UpSampling2D((2, 2))(x)
    x = Conv2D(8, (3, 3), activation="relu", padding="same")(x)
    x = UpSampling2D((2, 2))(x)
    decoded = Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)
    autoencoder = Model(input_img, decoded)
    assert autoencoder.output_shape == (None, 28, 28, 1)
    autoencoder.compile(optimizer="adam", loss="mse")
    pictures = x_train[..., None] / 255.0
    history = autoencoder.fit(pictures, pictures, epochs=8, batch_size=32, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
