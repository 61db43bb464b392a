"""MNIST: handwritten digits.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import os

from edgenet.datasets._files import Remote
from edgenet.datasets._idx import Bytes, load_idx_set

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")

_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_REMOTES = (
    Remote(
        "train-images-idx3-ubyte.gz",
        9912422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        _MIRRORS,
    ),
    Remote(
        "train-labels-idx1-ubyte.gz",
        28881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        _MIRRORS,
    ),
    Remote(
        "t10k-images-idx3-ubyte.gz",
        1648877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        _MIRRORS,
    ),
    Remote(
        "t10k-labels-idx1-ubyte.gz",
        4542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        _MIRRORS,
    ),
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Load 60000 training and 10000 test pictures of the digits 0 to 9, 28×28, light on dark.

    Args:
        path: a folder (or the parent of a folder ``mnist``) with the four original files, packed or unpacked.
            Left out, they are taken from the cache folder, and downloaded into it the first time; see
            ``edgenet.datasets``. Keras takes the name of its own archive here instead.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: pictures ``(n, 28, 28)`` uint8 and labels ``(n,)`` uint8 which index
        ``CLASS_NAMES``. A convolution wants a channel axis: ``x_train[..., None]``.

    Raises:
        FileNotFoundError: the files are not there and cannot be downloaded.
        ValueError: a file is damaged.

    Example:
        >>> from edgenet.datasets import mnist
        >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
        >>> mnist.CLASS_NAMES[7]
        '7'
    """
    return load_idx_set("mnist", path, _REMOTES)
