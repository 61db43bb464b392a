"""Write down the public names of Keras with their arguments: scripts/keras_names.json.

    python scripts/keras_names.py

Runs where Keras is installed (which edgenet does not need); `coming_from_keras.py` reads what it writes.
"""

import inspect
import json
import types
from pathlib import Path

import keras

GROUPS = (
    "layers", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks", "activations", "initializers",
    "regularizers", "constraints", "models", "utils", "ops", "datasets", "saving", "random",
)  # fmt: skip
CLASSES = ("Layer", "Model", "Sequential", "Optimizer", "Loss", "Metric")


def arguments(thing: object) -> list[list[str]] | None:
    """[name, default as text] of each argument; a name with stars takes any."""
    try:
        parameters = inspect.signature(thing).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [
        [stars.get(p.kind, "") + p.name, "" if p.default is p.empty else repr(p.default)]
        for p in parameters
        if p.name != "self"
    ]


def names(home: object, modules: bool = False) -> dict[str, list[list[str]] | None]:
    """The public names of a module or class."""
    found = {n: getattr(home, n) for n in dir(home) if not n.startswith("_")}
    return {
        n: arguments(v) if callable(v) else None
        for n, v in sorted(found.items())
        if modules or not isinstance(v, types.ModuleType)
    }


def main() -> None:
    """Write the file beside this one."""
    told: dict[str, object] = {"version": keras.__version__}
    for group in GROUPS:
        home: object = keras
        for part in group.split("."):
            home = getattr(home, part)
        told[group] = names(home, modules=group == "datasets")
    for name in CLASSES:
        told[f"{name} methods"] = names(getattr(keras, name))
    told["keras"] = {n: None for n in names(keras, modules=True) if n != "src"}
    path = Path(__file__).with_suffix(".json")
    lines = ",\n".join(f"{json.dumps(k)}: {_group(v)}" for k, v in told.items())
    path.write_text("{\n" + lines + "\n}\n")


def _group(value: object) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n}"


if __name__ == "__main__":
    main()
