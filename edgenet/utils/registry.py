"""Things that go by name in configs: from a name, a class or a config to an object, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .spelling import did_you_mean


def _from_config(cls: Any, config: Mapping[str, Any], custom: Mapping[str, Any] | None) -> Any:
    return cls.from_config(config)


class Registry:
    """Names of one kind of object.

    Args:
        kind: what an object is called in messages.
        classes: the library's own classes, or functions, by name.
        custom: those of the user, by name; they come first.
        also: names that mean something else, for the list in messages.
        functions: whether any function will do.
        revive: makes an object of its class, its config and custom objects; by default ``from_config``.

    >>> Registry("shape", {"square": dict}).get("sqare")
    Traceback (most recent call last):
    ValueError: unknown shape 'sqare' (did you mean 'square'?): expected one of square, or a function
    """

    def __init__(
        self, kind: str, classes: Mapping[str, Any], custom: Mapping[str, Any] | None = None, *,
        also: Iterable[str] = (), functions: bool = True,
        revive: Callable[[Any, Mapping[str, Any], Mapping[str, Any] | None], Any] = _from_config,
    ) -> None:  # fmt: skip
        self.kind, self.classes, self.custom = kind, classes, {} if custom is None else custom
        self.also, self.functions, self.revive = tuple(also), functions, revive

    def find(self, name: str, custom: Mapping[str, Any] | None = None) -> Any:
        """What a name stands for, as it is written or else in lower case; None if there is nothing."""
        for known in (custom or {}, self.custom, self.classes):
            for spelled in (name, name.lower()):
                if spelled in known:
                    return known[spelled]
        return None

    def named(self, name: str) -> Any:
        """What a name stands for.  Raises ValueError, with the name that was meant, if there is nothing."""
        found = self.find(name)
        if found is None:
            known = [n for n, c in self.classes.items() if getattr(c, "__module__", "").startswith("edgenet.")]
            names = sorted({n for n in (*(known or self.classes), *self.also) if n == n.lower()})
            end = ", or a function" if self.functions else ""
            near = did_you_mean(name, [*self.custom, *names])
            raise ValueError(f"unknown {self.kind} {name!r}{near}: expected one of {', '.join(names)}{end}")
        return found

    def get(self, identifier: Any, kind: type | None = None) -> Any:
        """The object of a name, a class or a config; one of type `kind`, or a function, stays what it is; so does None.

        Raises:
            ValueError: for a name that is not known.
            TypeError: for anything else.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            identifier = self.named(identifier)
        elif isinstance(identifier, Mapping):
            identifier = self.deserialize(identifier)
        if isinstance(identifier, type) and (kind is None or issubclass(identifier, kind)):
            identifier = identifier()
        fits = kind is not None and isinstance(identifier, kind)
        if not fits and not (self.functions and callable(identifier)):
            raise TypeError(self.refusal(identifier))
        return identifier

    def refusal(self, given: Any) -> str:
        """What to say about something that is none of these."""
        article = "an" if self.kind[0] in "aeiou" else "a"
        wanted = f"{article} {self.kind} is a name, {article} {self.kind.capitalize()}, a config"
        return f"{wanted}{' or a function' if self.functions else ''}, got {given!r}"

    def serialize(self, thing: Any) -> Any:
        """What `get` makes the object again from, as JSON can hold it; a function is kept by its name."""
        if thing is None:
            return None
        if hasattr(thing, "get_config"):
            return {"class_name": type(thing).__name__, "config": thing.get_config()}
        name = getattr(thing, "__name__", "<lambda>")
        if name == "<lambda>":
            told = "a lambda" if callable(thing) else f"the {self.kind} {thing!r}"
            raise TypeError(f"{told} has no name and no get_config, so no file can hold it: use a function with def")
        return name

    def deserialize(self, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object of a config.  Raises ValueError for one whose class is not known."""
        name = str(config.get("class_name"))
        cls = self.find(name, custom_objects)
        if cls is None:
            near = did_you_mean(name, [n for n in self.classes if n != n.lower()] or self.classes)
            raise ValueError(f"unknown {self.kind} class {name!r}{near}: pass custom_objects={{{name!r}: class}}")
        return self.revive(cls, config.get("config", {}), custom_objects)
