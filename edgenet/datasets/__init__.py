"""Labelled picture sets, each a module with ``load_data()`` as in Keras.

=================  ======================================  ============================================
module             pictures                                where from
=================  ======================================  ============================================
``shapes``         any number, 28×28, ten shapes           drawn on the spot, no download
``mnist``          60000 + 10000, 28×28, digits            a folder, the cache, or a download of 12 MB
``fashion_mnist``  60000 + 10000, 28×28, clothes           a folder, the cache, or a download of 31 MB
``cifar10``        50000 + 10000, 32×32×3, ten things      a folder, the cache, or a download of 170 MB
=================  ======================================  ============================================

Downloads go to the folder named by the environment variable ``EDGENET_DATA``, else to ``edgenet/datasets`` under
``XDG_CACHE_HOME``, else to ``~/.cache/edgenet/datasets``.

Example:
    >>> from edgenet import datasets
    >>> (x_train, y_train), (x_test, y_test) = datasets.shapes.load_data(n_train=100, n_test=10)
    >>> x_train.shape
    (100, 28, 28, 1)
"""

from edgenet.datasets import cifar10, fashion_mnist, mnist, shapes

__all__ = ["cifar10", "fashion_mnist", "mnist", "shapes"]
