"""Loss, metrics and optimizer between a file of Keras and ``model.compile``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from edgenet import losses, metrics, optimizers
from edgenet.models import Model

#: what edgenet's `compile` takes
ARGUMENTS = ("loss", "loss_weights", "metrics", "weighted_metrics")
#: optimizer arguments of Keras 1 and 2 that say nothing today
IDLE = ("jit_compile", "is_legacy_optimizer", "decay", "schedule_decay", "lr", "ema_momentum", "name")


def restore(model: Model, told: Mapping[str, Any], custom: Mapping[str, Any], path: Any) -> None:
    """Compile a model as the file tells; where edgenet has no counterpart, warn and leave it as it is."""
    if not told.get("loss"):
        return
    try:
        optimizer = _optimizer(told.get("optimizer") or told.get("optimizer_config"), custom)
        given = {name: _each(told.get(name), name, custom) for name in ARGUMENTS}
        model.compile(optimizer=optimizer, **given)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
        model._compile_arguments = None
        warnings.warn(
            f"{path}: the model is loaded, but not compiled ({error}): call model.compile(…)", UserWarning, stacklevel=3
        )


def _optimizer(told: Any, custom: Mapping[str, Any]) -> optimizers.Optimizer:
    if told is None or isinstance(told, str):
        return optimizers.get(told or "rmsprop")  # Keras's own, where a file does not tell
    if not isinstance(told, Mapping) or not isinstance(told.get("config"), Mapping):
        raise ValueError(f"no optimizer is told, but {str(told)[:80]}")
    name = str(told.get("class_name")).rpartition(">")[2]
    given = dict(told["config"])
    rate, decay = given.get("learning_rate", given.get("lr")), given.get("decay")
    if isinstance(rate, Mapping):
        rate = {"class_name": str(rate.get("class_name")), "config": dict(rate.get("config") or {})}
    elif rate is not None and decay:
        rate = optimizers.schedules.InverseTimeDecay(rate, 1, decay)
    config = {k: v for k, v in given.items() if k not in IDLE and v is not None}
    if rate is not None:
        config["learning_rate"] = rate
    return optimizers.deserialize({"class_name": name, "config": config}, custom)


def _each(told: Any, name: str, custom: Mapping[str, Any]) -> Any:
    """The same of each entry of lists and dictionaries."""
    if isinstance(told, list | tuple):
        return [_each(t, name, custom) for t in told]
    if isinstance(told, Mapping) and "class_name" not in told:
        return {key: _each(t, name, custom) for key, t in told.items()}
    if told is None or isinstance(told, int | float):
        return told
    found = custom.get(told, told) if isinstance(told, str) else _object(told, name, custom)
    if isinstance(found, str):
        (losses if name == "loss" else metrics).get(found)  # raises where edgenet does not know the name
    return found


def _object(told: Mapping[str, Any], name: str, custom: Mapping[str, Any]) -> Any:
    kind, config = str(told["class_name"]).rpartition(">")[2], told.get("config")
    if kind == "function" and isinstance(config, str):
        return custom.get(config, config)
    given = {k: v for k, v in dict(config or {}).items() if k != "dtype" and v is not None}
    if kind == "MeanMetricWrapper":
        fn = given.get("fn")
        fn = fn.get("config") if isinstance(fn, Mapping) else fn
        return "accuracy" if given.get("name") in ("accuracy", "acc") else custom.get(str(fn), fn)
    if given.get("reduction") == "auto":
        del given["reduction"]
    if name == "loss":
        return losses.deserialize({"class_name": kind, "config": given}, custom)
    return metrics.deserialize({"class_name": kind, "config": given}, custom)


def described(model: Model) -> dict[str, Any] | None:
    """What Keras's files hold of ``model.compile``; None where it is not compiled, or by functions of one's own."""
    if not model.compiled:
        return None
    given = model._compiled("save")
    try:
        return {
            "optimizer": _described(given["optimizer"], "keras.optimizers"),
            **{name: _entries(given[name], name) for name in ARGUMENTS},
            "run_eagerly": False, "steps_per_execution": 1, "jit_compile": False,
        }  # fmt: skip
    except (ValueError, TypeError, NotImplementedError) as error:
        warnings.warn(f"{model.name} is saved without loss and metrics: {error}", UserWarning, stacklevel=4)
        return None


def _entries(given: Any, name: str) -> Any:
    if isinstance(given, list | tuple):
        return [_entries(g, name) for g in given]
    if isinstance(given, Mapping):
        return {key: _entries(g, name) for key, g in given.items()}
    if given is None or isinstance(given, int | float | str):
        return given
    thing = losses.get(given) if name == "loss" else given
    told = losses.serialize(thing) if name == "loss" else metrics.serialize(thing)
    if "class_name" not in told:
        raise ValueError(f"{told.get('function')!r} is a function of one's own, which a file of Keras cannot hold")
    return _described(thing, "keras.losses" if name == "loss" else "keras.metrics")


def _described(thing: Any, module: str) -> dict[str, Any]:
    if not type(thing).__module__.startswith("edgenet."):
        raise ValueError(f"{type(thing).__name__} is a class of one's own, which a file of Keras cannot hold")
    config = dict(thing.get_config())
    if isinstance(config.get("learning_rate"), Mapping):
        config["learning_rate"] = {"module": "keras.optimizers.schedules", "registered_name": None,
                                   **config["learning_rate"]}  # fmt: skip
    return {"module": module, "class_name": type(thing).__name__, "config": config, "registered_name": None}
