"""Training steps of Keras on TensorFlow, compiled to a TensorFlow graph, with the weights of an edgenet model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from _networks import Network, keras_model

Array = np.ndarray


def limit_threads(count: int) -> None:
    """Run on this many threads.  TensorFlow takes this once, before anything is computed."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)


class Trainer:
    """Forward, loss, backward and SGD with momentum in one `tf.function`, on tensors that are already there."""

    def __init__(
        self, network: Network, weights: list[Array], learning_rate: float, momentum: float, x: Array, y: Array
    ) -> None:
        model = keras_model(network, weights)
        optimizer = keras.optimizers.SGD(learning_rate, momentum=momentum)
        optimizer.build(model.trainable_variables)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
            return value

        self._step, self.x, self.y = step, tf.constant(x), tf.constant(y)

    def step(self) -> float:
        """One step; the loss before it."""
        return float(self._step(self.x, self.y))
