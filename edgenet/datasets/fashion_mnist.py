"""Fashion-MNIST: photographs of clothes, in the format of MNIST and harder than it.

Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv:1708.07747, https://github.com/zalandoresearch/fashion-mnist.
"""

from __future__ import annotations

import os

from edgenet.datasets._files import Remote
from edgenet.datasets._idx import Bytes, load_idx_set

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# The second mirror, the original, knows only http; the SHA-256 vouches for what it sends.
_MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
_REMOTES = (
    Remote(
        "train-images-idx3-ubyte.gz",
        26421880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        _MIRRORS,
    ),
    Remote(
        "train-labels-idx1-ubyte.gz",
        29515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        _MIRRORS,
    ),
    Remote(
        "t10k-images-idx3-ubyte.gz",
        4422102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        _MIRRORS,
    ),
    Remote(
        "t10k-labels-idx1-ubyte.gz",
        5148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        _MIRRORS,
    ),
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Load 60000 training and 10000 test pictures of ten kinds of clothes, 28×28, light on dark.

    Args:
        path: a folder (or the parent of a folder ``fashion-mnist``) with the four original files, packed or unpacked.
            Left out, they are taken from the cache folder, and downloaded into it the first time; see
            ``edgenet.datasets``. Keras takes the name of its own archive here instead.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: pictures ``(n, 28, 28)`` uint8 and labels ``(n,)`` uint8 which index
        ``CLASS_NAMES``. A convolution wants a channel axis: ``x_train[..., None]``.

    Raises:
        FileNotFoundError: the files are not there and cannot be downloaded.
        ValueError: a file is damaged.

    Example:
        >>> from edgenet.datasets import fashion_mnist
        >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
        >>> fashion_mnist.CLASS_NAMES[5]
        'Sandal'
    """
    return load_idx_set("fashion-mnist", path, _REMOTES)
