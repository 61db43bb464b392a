"""How weights follow from gradients.

All trainable weights of a model lie in one flat buffer ``theta``, and so do their gradients: an optimizer emits its
update once, whatever the number of layers.
"""

from .adam import Adam
from .optimizer import Optimizer, deserialize, get, serialize
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "deserialize", "get", "serialize"]
