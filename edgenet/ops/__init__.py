"""Operations on symbolic values.  Each op is four facts: shape rule, gradient, lowering to kernels, cost."""

from .conv import conv2d
from .gemm import dense

__all__ = ["conv2d", "dense"]
