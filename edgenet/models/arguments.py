"""What users hand to fit, evaluate and predict, checked against the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgenet.graph import ShapeError
from edgenet.losses import CategoricalCrossentropy, Loss, SparseCategoricalCrossentropy
from edgenet.losses.loss import FunctionLoss

from .data import Data, arrays, fit_shape, numbers, same_length


def read(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None, what: str) -> Data:
    """The samples as the model takes them; a model without an input shape is built for theirs.

    `y` is not looked at where `what` is a prediction.

    Raises:
        ShapeError: if shapes or lengths do not fit.
        TypeError: if something is no array of numbers.
        ValueError: if targets are missing or out of range.
    """
    plain = type(x) is type(y) is np.ndarray and sample_weight is None and class_weight is None
    key = (what, x.shape, x.dtype, y.shape, y.dtype) if plain else None
    if key in model._accepted:  # one step after the other takes arrays of the same shapes
        data = Data([x], [y])
        _check_values(model, data, f"{model.name}.{what}")
        return data
    data = _read(model, x, y, sample_weight, class_weight, what)
    if plain and data.x[0] is x and data.y[0] is y:
        model._accepted.add(key)
    return data


def _read(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any, what: str) -> Data:
    """`read` of what may be anything."""
    where = f"{model.name}.{what}"
    if not what.startswith("predict"):
        model._compiled(what)
    if x is None:
        raise ValueError(f"{where}: x is missing")
    if y is None and isinstance(x, tuple) and len(x) in (2, 3) and (not model.built or len(model.inputs) == 1):
        names = ("x", "y", "sample_weight")[: len(x)]
        raise ValueError(
            f"{where}: got a tuple of {len(x)} as x and no y: write {what}({', '.join(names)}), or {what}(*data)"
        )
    if not model.built:
        (first,) = arrays(x, ["input"], where)
        model.build((None, *first.shape[1:]))
    xs = arrays(x, model.input_names, f"{where}: x")
    named = [f"{where}: input {n!r}" for n in model.input_names]
    xs = [fit_shape(a, t.shape, n) for a, t, n in zip(xs, model.inputs, named, strict=True)]
    if what.startswith("predict"):
        return same_length(Data(xs, []), where)
    if y is None:
        raise ValueError(f"{where}: y is missing; the loss compares predictions with targets")
    ys = arrays(y, model.output_names, f"{where}: y", labels=True)
    _check_values(model, Data(xs, ys), where)
    for array, loss, output in zip(ys, model._planned().losses, model.outputs, strict=True):
        if isinstance(loss, CategoricalCrossentropy):
            _check_one_hot(array, output.shape, where)
        if loss is not None:
            _check_targets(array, output.shape, loss, where)
    if class_weight is not None:
        if len(model.outputs) > 1:
            raise ValueError(
                f"{where}: class_weight is for models with one output; give sample_weight={{output: factors}} instead"
            )
        _check_class_weight(class_weight, model.outputs[0].shape[-1], where)
    data = same_length(Data(xs, ys), where)
    data.weight = _weights(data, sample_weight, class_weight, model.output_names, where)
    return data


def _check_values(model: Any, data: Data, where: str) -> None:
    """Raise ValueError where targets are no labels and should be; all else is a matter of shapes."""
    for array, loss, output in zip(data.y, model._planned().losses, model.outputs, strict=True):
        if isinstance(loss, SparseCategoricalCrossentropy):
            _check_labels(array, output.shape[-1], where, loss.ignore_class)


def validation(model: Any, given: Any) -> Data:
    """The samples of ``validation_data``.  Raises ValueError unless it is (x, y) or (x, y, sample_weight)."""
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        raise ValueError(
            f"{model.name}.fit: validation_data must be (x, y) or (x, y, sample_weight), got {type(given).__name__}"
        )
    x, y, weight = (*given, None)[:3]
    return read(model, x, y, weight, None, "fit (validation_data)")


def _check_labels(labels: np.ndarray, classes: int, where: str, ignored: int | None = None) -> None:
    if ignored is not None:
        labels = labels[labels != ignored]
    if not labels.size:
        return
    if classes == 1:
        raise ValueError(
            f"{where}: sparse_categorical_crossentropy chooses between classes, and the model has one output; for a "
            "sigmoid and labels 0 and 1 use binary_crossentropy, else give the last layer an output for each class"
        )
    low, high = labels.min(), labels.max()
    if np.isnan(low):
        raise ValueError(f"{where}: labels must be integers, got {int(np.isnan(labels).sum())} NaN among them")
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.trunc(labels)):
        raise ValueError(
            f"{where}: sparse_categorical_crossentropy takes integer labels, got {labels.dtype} with fractions; "
            "one-hot or soft targets need categorical_crossentropy"
        )
    if not (low >= 0 and high < classes):
        raise ValueError(
            f"{where}: the model has {classes} classes, so labels are 0 to {classes - 1}; got {low} to {high}"
        )


def _check_one_hot(targets: np.ndarray, output: tuple[Any, ...], where: str) -> None:
    labels = output[1:-1]
    if output[-1] > 1 and targets.shape[1:] in (labels, (*labels, 1)):
        wanted = ", ".join(map(str, ("n", *output[1:])))
        raise ShapeError(
            f"{where}: categorical_crossentropy takes one-hot targets of shape ({wanted}), got labels of shape "
            f"{targets.shape}: use sparse_categorical_crossentropy, or edgenet.utils.to_categorical(y)"
        )


def _check_targets(targets: np.ndarray, output: tuple[Any, ...], loss: Loss, where: str) -> None:
    """Raise ShapeError where a loss of the library compares targets with outputs of another shape."""
    if isinstance(loss, FunctionLoss) or not type(loss).__module__.startswith("edgenet."):
        return  # a loss of one's own decides itself
    got, sparse = targets.shape[1:], loss.labels == "int32"
    want = output[1:-1] if sparse else output[1:]
    if got == want or got == (*want, 1) or (*got, 1) == want:
        return
    told = f"n, {', '.join(map(str, want))}" if want else "n,"
    advice = ""
    if len(output) > 2 and got in ((), (1,), output[-1:]):
        advice = f"; the model ends in {output[1:]}: is a Flatten() missing before the last Dense?"
    elif sparse and got == output[1:]:
        advice = "; one-hot targets need categorical_crossentropy"
    elif got in ((), (1,)):
        advice = f"; labels become one-hot rows with edgenet.utils.to_categorical(y, {want[-1]})"
    elif got[:-1] == want[:-1]:
        advice = f"; for these targets the last layer needs {got[-1]} units"
    raise ShapeError(f"{where}: {loss.name} takes targets of shape ({told}), got {targets.shape}{advice}")


def _check_class_weight(class_weight: Any, outputs: int, where: str) -> None:
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"{where}: class_weight must be a dictionary {{label: factor}}, got {type(class_weight).__name__}"
        )
    classes = max(outputs, 2)  # a single output tells two classes apart
    for label, factor in class_weight.items():
        if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 0 <= label < classes:
            raise ValueError(f"{where}: class_weight has the label {label!r}; labels are integers, 0 to {classes - 1}")
        if not isinstance(factor, int | float | np.number):
            raise TypeError(f"{where}: class_weight of label {label} must be a number, got {factor!r}")


def _by_output(given: Any, names: list[str], n: int, where: str) -> np.ndarray:
    """Weights (n, outputs) of a list or dictionary with an array, or None for ones, for each output."""
    if isinstance(given, Mapping):
        if not set(given) <= set(names):
            raise ValueError(f"{where}: sample_weight names {list(given)}, the outputs are {names}")
        given = [given.get(name) for name in names]
    if len(given) != len(names):
        raise ValueError(
            f"{where}: expected one sample_weight array, or a list or dictionary of them for the outputs {names}; got "
            f"{len(given)} entries"
        )
    columns = [np.ones(n, np.float32) if a is None else np.asarray(a, np.float32) for a in given]
    for name, column in zip(names, columns, strict=True):
        if column.shape != (n,):
            raise ShapeError(f"{where}: sample_weight of {name} should have shape ({n},), got {column.shape}")
    return np.stack(columns, axis=1)


def _weights(
    data: Data, sample_weight: Any, class_weight: Mapping[int, float] | None, names: list[str], where: str
) -> np.ndarray | None:
    weight: np.ndarray | None = None
    if sample_weight is not None and isinstance(sample_weight, Mapping | list | tuple) and len(data.y) > 1:
        weight = _by_output(sample_weight, names, len(data), where)
    elif sample_weight is not None:
        weight = numbers(sample_weight, f"{where}: sample_weight").astype(np.float32)
        if weight.shape != (len(data),):
            raise ShapeError(f"{where}: sample_weight should have shape ({len(data)},), got {weight.shape}")
    if class_weight is not None:
        y = data.y[0]
        labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y), -1)[:, 0].astype(np.int64)
        if labels.ndim != 1:
            raise ShapeError(f"{where}: class_weight needs one label a sample, got targets of shape {y.shape}")
        factors = np.ones(max([int(labels.max()), *map(int, class_weight)]) + 1, np.float32)
        for label, factor in class_weight.items():
            factors[int(label)] = factor
        weight = factors[labels] if weight is None else weight * factors[labels]
    return weight
