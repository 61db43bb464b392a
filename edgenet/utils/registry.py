"""Things that go by name in configs: from a name, a class or a config to an object, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .spelling import did_you_mean


class Registry:
    """Names of one kind of object.

    Args:
        kind: what an object is called in messages.
        classes: the library's own, by name.
        custom: those of the user, by name; they come first.
    """

    def __init__(self, kind: str, classes: Mapping[str, Any], custom: Mapping[str, Any]) -> None:
        self.kind, self.classes, self.custom = kind, classes, custom

    def get(self, identifier: Any) -> Any:
        """The object of a name, a class or a config; a callable stays what it is, and so does None.

        Raises:
            ValueError: for a name that is not known.
            TypeError: for anything else.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.custom.get(identifier, self.classes.get(identifier))
            if found is None:
                known = ", ".join(sorted(self.classes))
                near = did_you_mean(identifier, self.classes)
                raise ValueError(f"unknown {self.kind} {identifier!r}{near}: expected one of {known}")
            identifier = found
        if isinstance(identifier, Mapping):
            identifier = self.deserialize(identifier)
        if isinstance(identifier, type):
            identifier = identifier()
        if not callable(identifier):
            article = f"a {self.kind} is a name, a {self.kind.capitalize()}, a config or a function"
            raise TypeError(f"{article}, got {identifier!r}")
        return identifier

    def serialize(self, thing: Any) -> Any:
        """What `get` makes the object again from, as JSON can hold it; a function is kept by its name."""
        if thing is None:
            return None
        if hasattr(thing, "get_config"):
            return {"class_name": type(thing).__name__, "config": thing.get_config()}
        name = getattr(thing, "__name__", None)
        if name is None:
            raise TypeError(f"the {self.kind} {thing!r} has no name and no get_config, so no file can hold it")
        return name

    def deserialize(self, config: Mapping[str, Any]) -> Any:
        """The object of a config.  Raises ValueError for one whose class is not known."""
        name = str(config.get("class_name"))
        cls = self.custom.get(name, self.classes.get(name))
        if cls is None:
            raise ValueError(f"unknown {self.kind} class {name!r}: pass custom_objects={{{name!r}: class}}")
        return cls.from_config(config.get("config", {}))
