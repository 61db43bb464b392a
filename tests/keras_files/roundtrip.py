"""edgenet → file → Keras 3 → file → edgenet, for every layer that both have; prints what differs, and by how much.

    python tests/keras_files/roundtrip.py KERAS_PYTHON

KERAS_PYTHON is the Python of an environment with Keras 3 and a backend; this script itself runs where edgenet is.
Besides the cases of `generate.py` there are random functional models, where the weights of many equal layers would be
taken for each other if one side counted layers in another order.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import generate

SUFFIXES = (".keras", ".h5")


def random_model(edgenet: Any, seed: int) -> Any:
    """A functional model of equal layers, some shared, some nested."""
    L, rng = edgenet.layers, np.random.default_rng(seed)
    starts = [edgenet.Input((4,), name=f"in_{i}") for i in range(rng.integers(1, 4))]
    p, values = edgenet.Input((4,), name="inner_in"), list(starts)
    q = L.Dense(4, name="q")(p)
    nested = [
        edgenet.Model(p, [L.Dense(4, name="r")(q), q], name="two_ends"),
        edgenet.Sequential([edgenet.Input((4,)), L.Dense(4), L.BatchNormalization(), L.Dense(4)], name="row"),
    ]
    made: list[Any] = [*nested]
    nested[1].layers[int(rng.integers(3))].trainable = bool(rng.integers(2))
    for i in range(rng.integers(3, 12)):
        x = values[rng.integers(len(values))]
        choice = rng.integers(4)
        if choice == 0:
            y = L.Add(name=f"add_{i}")([x, values[rng.integers(len(values))]])
        elif choice == 1:
            y = made[rng.integers(len(made))](x)
        else:
            made.append(L.Dense(4, name=f"d_{i}") if choice == 2 else L.BatchNormalization(name=f"b_{i}"))
            y = made[-1](x)
        values += y if isinstance(y, list) else [y]
    used = [t for t in values if t.source is not None]
    ends = [used[i] for i in sorted(set(rng.integers(0, len(used), 3).tolist()))] + [L.Add(name="all")(values)]
    return edgenet.Model(starts, ends, name=f"random_{seed}")


def models(edgenet: Any, count: int) -> dict[str, Any]:
    """Every case as a model of edgenet, and random ones."""
    found = {}
    for name, (shape, chain) in generate.cases(edgenet.layers).items():
        for i, layer in enumerate(chain):
            layer.name = f"{name}_{i}"
        found[name] = edgenet.Sequential([edgenet.Input(shape), *chain], name=name)
    found["merged"] = random_model(edgenet, 1000)
    for seed in range(count):
        found[f"random_{seed}"] = random_model(edgenet, seed)
    for model in found.values():
        rng = np.random.default_rng(1)
        model.set_weights([np.abs(rng.normal(size=w.shape)).astype(np.float32) + 0.1 for w in model.weights])
    return found


def samples(model: Any) -> list[np.ndarray]:
    """A batch for each input."""
    rng = np.random.default_rng(2)
    return [rng.normal(size=(2, *t.shape[1:])).astype(np.float32) for t in model.inputs]


def error(mine: Any, other: list[np.ndarray]) -> float:
    """The largest difference, relative where numbers are large."""
    ours = mine if isinstance(mine, list) else [mine]
    if [y.shape for y in ours] != [z.shape for z in other]:
        return float("inf")
    return max(float(np.max(np.abs(y - z) / (1 + np.abs(z)))) for y, z in zip(ours, other, strict=True))


def in_keras(folder: Path) -> None:
    """Open every file of the folder, compute, save again under ``again_…``."""
    import keras

    for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.stem[:6] != "again_"):
        try:
            model = keras.models.load_model(path)
            x = [np.load(path.with_suffix(".npz"))[f"arr_{i}"] for i in range(len(model.inputs))]
            y = model.predict(x if len(x) > 1 else x[0], verbose=0)
            np.savez(f"{path}.out.npz", *(y if isinstance(y, list | tuple) else [y]))
            try:
                model.save(folder / f"again_{path.name}")
            except TypeError as problem:
                (folder / f"again_{path.name}").write_bytes(path.read_bytes())
                print(f"{path.name}: Keras itself cannot save this model: {problem}")
        except Exception as problem:
            print(f"KERAS {path.name}: {type(problem).__name__}: {str(problem)[:600]}")


def main(keras_python: str, count: int = 40) -> None:
    """Run both sides."""
    import edgenet
    from edgenet.converters import load_keras, save_keras

    with tempfile.TemporaryDirectory() as name:
        folder, given, bad, worst = Path(name), models(edgenet, count), 0, 0.0
        for case, model in given.items():
            np.savez(folder / f"{case}.npz", *samples(model))
            for suffix in SUFFIXES:
                save_keras(model, folder / f"{case}{suffix}")
        environment = {
            **os.environ,
            "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax"),
            "PYTHONWARNINGS": "ignore",
        }
        environment.pop("PYTHONPATH", None)
        subprocess.run(
            [keras_python, __file__, "--in-keras", name], check=True, env=environment, stderr=subprocess.PIPE
        )
        for case, model in given.items():
            x = samples(model)
            mine = model.predict(x if len(x) > 1 else x[0])
            for suffix in SUFFIXES:
                try:
                    with np.load(folder / f"{case}{suffix}.out.npz") as held:
                        there = error(mine, [held[k] for k in held])
                    again = load_keras(folder / f"again_{case}{suffix}")
                    y = again.predict(x if len(x) > 1 else x[0])
                    back = error(mine, y if isinstance(y, list) else [y])
                except Exception as problem:
                    there = back = float("inf")
                    print(f"{case}{suffix}: {type(problem).__name__}: {str(problem)[:300]}")
                worst = max(worst, there, back)
                if max(there, back) > 1e-5:
                    bad += 1
                    print(f"{case}{suffix}: in Keras {there:.1e}, back again {back:.1e}")
        print(
            f"{len(given)} models, {2 * len(given)} files, {bad} differ by more than 1e-5, the largest by {worst:.1e}"
        )


if __name__ == "__main__":
    if sys.argv[1] == "--in-keras":
        in_keras(Path(sys.argv[2]))
    else:
        main(*sys.argv[1:2])
