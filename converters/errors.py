"""What can go wrong at the borders."""

from __future__ import annotations

from collections.abc import Sequence


class UnsupportedModelError(ValueError, NotImplementedError):
    """A model that cannot be read or a graph that cannot be written.

    It is a NotImplementedError too, by which the tests of onnx know that a backend declines.
    `problems` holds every reason that was found, one sentence each; the message lists them all.

    >>> print(UnsupportedModelError("the model 'net' cannot be read", ["the operator LSTM is not supported"]))
    the model 'net' cannot be read:
    - the operator LSTM is not supported
    """

    def __init__(self, what: str, problems: Sequence[str], hint: str = "") -> None:
        self.problems = list(problems)
        super().__init__("\n- ".join([f"{what}:", *self.problems]) + (f"\n{hint}" if hint else ""))
