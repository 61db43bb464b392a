"""The borders of the library: models of other formats read in, and written out again.

ONNX (`edgenet.converters.onnx`) is read into a `Graph` and a `Graph` written out; files of Keras and live Keras models
(`load_keras`, `from_keras`, `save_keras`) are models on both sides.

Installed and imported as `edgenet.converters`. `import edgenet` does not import this package, so ONNX stays optional,
and so do the files of Keras: each is imported when it is first used.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from .keras import from_keras, load_keras, save_keras

__all__ = ["from_keras", "load_keras", "save_keras"]

if __name__ != "edgenet.converters":
    raise ImportError(
        f"this package was imported as {__name__!r}, but its name is 'edgenet.converters'. "
        "Write `import edgenet.converters`, and take the folder `converters` off sys.path and PYTHONPATH."
    )


def __getattr__(name: str) -> _Any:
    if name not in __all__:
        raise AttributeError(f"module 'edgenet.converters' has no attribute {name!r}")
    from . import keras

    return getattr(keras, name)
