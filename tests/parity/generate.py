"""Keras's results for the networks of `configurations`, in float64: outputs, gradients, weights after training.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/parity/generate.py

where Keras 3 and JAX are installed writes `references.npz` anew.
"""

import json
from pathlib import Path

import configurations as c
import numpy as np

STORED = Path(__file__).with_name("references.npz")


def results(case):
    """What is compared.

    y in inference; gradients of sum(dy · y) in training, for each input of real numbers and each trainable weight; the
    losses of the training steps; all weights after them.
    """
    import jax
    import keras

    model = c.build(keras, case)
    xs = c.numbers(case, model)
    arrays = [x if x.dtype == np.int32 else x.astype(np.float64) for x in xs]
    real = [i for i, x in enumerate(arrays) if x.dtype != np.int32]
    given = arrays if len(arrays) > 1 else arrays[0]
    y = np.asarray(model(given, training=False))
    dy = c.cotangent(case, y.shape).astype(np.float64)
    frozen = [v.value for v in model.non_trainable_variables]

    def loss(trained, reals):
        every = list(arrays)
        for i, x in zip(real, reals, strict=True):
            every[i] = x
        out, _ = model.stateless_call(trained, frozen, every if len(every) > 1 else every[0], training=True)
        return (out * dy).sum()

    trained = [v.value for v in model.trainable_variables]
    dw, dx = jax.grad(loss, argnums=(0, 1))(trained, [jax.numpy.asarray(arrays[i]) for i in real])
    model.compile(optimizer=c.optimizer(keras, case), loss="mse")
    losses = [model.train_on_batch(given, dy) for _ in range(c.STEPS if trained else 0)]
    return [y, *dx, *dw, np.array(losses), *(w.numpy() for w in c.weights(model))]


def main():
    """Run Keras, write the file: one vector of all numbers, and the shapes in which they lie in it."""
    import keras

    keras.config.set_floatx("float64")
    shapes, numbers = {}, []
    for case in c.CASES:
        keras.backend.clear_session()
        found = [np.asarray(a) for a in results(case)]
        assert all(np.isfinite(a).all() for a in found), case.name
        shapes[case.name] = [list(a.shape) for a in found]
        numbers += [a.ravel() for a in found]
    index = json.dumps({"keras": keras.__version__, "shapes": shapes})
    np.savez(STORED, index=np.array(index), numbers=np.concatenate(numbers).astype(np.float32))
    print(f"{len(c.CASES)} networks, {STORED.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
