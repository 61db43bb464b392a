"""Arguments by name that a method of a model does not have, answered in words of the user."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from edgenet.utils.spelling import nearest

F = TypeVar("F", bound=Callable[..., Any])

#: what older code calls an argument
FORMER = {"nb_epoch": "epochs", "nb_epochs": "epochs", "num_epochs": "epochs", "x_train": "x", "y_train": "y"}
#: methods that older code calls, and what to write today
FORMER_METHODS = {
    "fit_generator": "fit, which takes generators",
    "evaluate_generator": "evaluate, which takes generators",
    "predict_generator": "predict, which takes generators",
    "predict_proba": "predict, which gives probabilities after a softmax or sigmoid",
    "predict_classes": "predict(x).argmax(-1), or predict(x) > 0.5 after a sigmoid",
}
#: methods that a subclass of Keras's Model may override
NEVER_CALLED = (
    "train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "make_train_function",
    "make_test_function", "make_predict_function",
)  # fmt: skip
#: arguments of Keras that need nothing here: the values that are taken, and what to say of others
NEEDLESS: dict[str, tuple[tuple[Any, ...], str]] = {
    "jit_compile": ((None, False, True, "auto"), "every program is compiled"),
    "run_eagerly": (
        (None, False),
        "models always run as compiled programs; look at values with a model of fewer layers",
    ),
    "steps_per_execution": ((None, 1, "auto"), "each step is a single call anyway"),
    "auto_scale_loss": ((None, False, True), "the loss is computed in float32 and needs no scale"),
}


def public(method: F) -> F:
    """A decorator for methods: raises TypeError for unknown arguments with the name that may have been meant.

    Those of Keras that ask for nothing are taken by ``compile``.
    """
    known = [n for n in inspect.signature(method).parameters if n != "self"]
    name = method.__name__

    @functools.wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        for given in [n for n in kwargs if n not in known]:
            if name == "compile" and given in NEEDLESS:
                taken, told = NEEDLESS[given]
                value = kwargs.pop(given)
                if not any(value is t or (isinstance(value, int | str) and value == t) for t in taken):
                    raise ValueError(f"{self.name}.compile: {given}={value!r} is not supported: {told}")
                continue
            near = FORMER[given] if FORMER.get(given) in known else nearest(given, known)
            advice = f"did you mean {near}=…?" if near else f"it takes {', '.join(known)}"
            raise TypeError(f"{self.name}.{name}: there is no argument {given!r}; {advice}")
        return method(self, *args, **kwargs)

    checked.__qualname__ = f"Model.{name}"
    return cast(F, checked)
