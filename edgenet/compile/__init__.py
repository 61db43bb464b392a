"""From Graph to Program: passes, memory plan, kernel calls."""

from .program import Program, compile_graph

__all__ = ["Program", "compile_graph"]
