"""An optimizer that cannot be there, and says so."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer


class TFOptimizer(Optimizer):
    """Refused: it wrapped the optimizers of TensorFlow 1, and there is no TensorFlow here.

    Raises:
        NotImplementedError: always, with the optimizers there are.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "TFOptimizer wraps an optimizer of TensorFlow, and edgenet runs without TensorFlow: "
            "use one of edgenet.optimizers, such as SGD, Adam or RMSprop"
        )
