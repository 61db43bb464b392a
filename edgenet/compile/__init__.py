"""From Graph to Program: passes, memory plan, kernel calls."""

from .entry import compile_graph
from .program import Program

__all__ = ["Program", "compile_graph"]
