"""How weights follow from gradients.

All trainable weights of a model lie in one flat buffer ``theta``, and so do their gradients: an optimizer emits its
update once, whatever the number of layers.
"""

from . import schedules
from .adagrad import Adadelta, Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax, Nadam
from .ftrl import Ftrl
from .lion import Lion
from .optimizer import Optimizer, deserialize, get, serialize
from .rmsprop import RMSprop
from .sgd import SGD
from .tf import TFOptimizer

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "TFOptimizer",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
