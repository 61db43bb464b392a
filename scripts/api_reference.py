"""Write the API reference, docs/api/*.md, from the docstrings.

    python scripts/api_reference.py

The tests compare the files with what this gives; it reads names, signatures and docstrings and nothing else, so that
every version of Python gives the same.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "api"
#: the public modules, a page each
MODULES = (
    "edgenet", "edgenet.layers", "edgenet.models", "edgenet.losses", "edgenet.metrics", "edgenet.optimizers",
    "edgenet.optimizers.schedules", "edgenet.callbacks", "edgenet.activations", "edgenet.initializers",
    "edgenet.regularizers", "edgenet.constraints", "edgenet.utils", "edgenet.datasets", "edgenet.ops", "edgenet.graph",
    "edgenet.converters.onnx",
)  # fmt: skip
HEADINGS = ("Args", "Returns", "Raises", "Example", "Examples", "Source", "ONNX", "Shapes", "Yields", "Attributes")


def public(module: Any) -> dict[str, Any]:
    """The names of a module's ``__all__`` (or those it defines) with what they stand for, modules aside."""
    names = getattr(module, "__all__", None) or [
        n for n, v in vars(module).items() if not n.startswith("_") and getattr(v, "__module__", "") == module.__name__
    ]
    found = {n: getattr(module, n) for n in names if n != "__version__"}
    return {n: found[n] for n in sorted(found, key=str.lower) if not isinstance(found[n], types.ModuleType)}


def describes(thing: Any) -> bool:
    """Whether a thing is a class or a function, rather than a constant or the alias of a type."""
    return inspect.isroutine(thing) or (isinstance(thing, type) and not isinstance(thing, types.GenericAlias))


def default(value: Any) -> str:
    """A default as one would write it."""
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    name = getattr(value, "__name__", None)
    return name if callable(value) and name else repr(value)


def signature(thing: Any) -> str | None:
    """The arguments with their defaults, without annotations; None if there are none to be known."""
    try:
        refuses = isinstance(thing, type) and issubclass(thing, BaseException)
        parameters = () if refuses else inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    parts: list[str] = []
    star = False
    for p in parameters:
        if p.name == "self":
            continue
        if p.kind is p.VAR_POSITIONAL:
            star = True
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        parts.append(mark + p.name + ("" if p.default is p.empty else f"={default(p.default)}"))
    return f"({', '.join(parts)})"


def markdown(doc: str) -> list[str]:
    """A docstring as Markdown: headings in bold, arguments as a list, examples and indented lines as code."""
    out: list[str] = []
    fence = listed = False
    for line in inspect.cleandoc(doc).splitlines():
        heading = re.fullmatch(r"(\w+):", line)
        item = re.match(r"    (\S[^:]*?): (.*)", line) if listed else None
        code = line.lstrip().startswith((">>>", "...")) or (fence and bool(line.strip()) and not heading)
        if code != fence and (code or not line.strip() or heading):
            if code and out and out[-1]:
                out.append("")
            out.append("```python" if code else "```")
            fence = code
        if fence:
            out.append(line)
        elif heading and heading[1] in HEADINGS:
            listed = True
            out += [f"**{heading[1]}**", ""]
        elif item:
            out.append(f"- `{item[1]}`: {item[2]}" if item[1].isidentifier() else f"- {item[1]}: {item[2]}")
        else:
            listed = listed and (not line or line.startswith(" "))
            out.append(f"  {line.strip()}" if listed and line.strip() else line.replace("::", ":"))
    return [*out, "```"] if fence else out


def members(cls: type, documented: set[type]) -> Iterator[tuple[str, Any]]:
    """Methods and properties that no other documented class hands down; of a layer those that one calls on it."""
    layer = any(base.__name__ == "Layer" for base in cls.__mro__[1:]) and cls.__name__ not in ("Model", "Sequential")
    above = [base for base in cls.__mro__[1:] if base in documented or base.__module__ == "builtins"]
    for name in sorted(n for n in dir(cls) if not n.startswith("_")):
        if any(hasattr(base, name) for base in above) or (layer and name != "adapt") or name == "function":
            continue
        thing = inspect.getattr_static(cls, name)
        if isinstance(thing, staticmethod | classmethod):
            thing = thing.__func__
        own = thing.fget if isinstance(thing, property) else thing
        if inspect.isfunction(own) and inspect.getdoc(own):
            yield name, thing


def section(name: str, thing: Any, also: list[str], documented: set[type]) -> list[str]:
    """What the page says of one name."""
    kind = "class " if isinstance(thing, type) else ""
    arguments = signature(thing) if describes(thing) else None
    out = [f"## {name}", ""]
    if arguments is not None:
        out += ["```python", f"{kind}{name}{arguments}", "```", ""]
    if also:
        out += [f"Also {', '.join(f'`{n}`' for n in also)}.", ""]
    doc = inspect.getdoc(thing) if describes(thing) else None
    out += [*markdown(doc or ""), ""]
    if isinstance(thing, type) and not issubclass(thing, BaseException):
        for member, what in members(thing, documented):
            if isinstance(what, property):
                out += [f"### {name}.{member}", "", *markdown(inspect.getdoc(what.fget) or ""), ""]
            else:
                out += [f"### {name}.{member}", "", "```python", f"{member}{signature(what)}", "```", ""]
                out += [*markdown(inspect.getdoc(what) or ""), ""]
    return out


def page(name: str) -> str:
    """The page of a module."""
    module = importlib.import_module(name)
    found = public(module)
    documented = {v for m in MODULES for v in public(importlib.import_module(m)).values() if isinstance(v, type)}
    first: dict[int, str] = {}
    for n, v in found.items():  # the name that an object gives itself stands for it; others are aliases
        if id(v) not in first or getattr(v, "__name__", "") == n:
            first[id(v)] = n
    lines = [f"# {name}", "", *markdown(inspect.getdoc(module) or ""), ""]
    for n, v in found.items():
        elsewhere = [m for m in MODULES[1:] if v is public(importlib.import_module(m)).get(n)]
        if name == MODULES[0] and elsewhere:
            lines += [f"## {n}", "", f"See [{elsewhere[0]}]({elsewhere[0]}.md).", ""]
        elif first[id(v)] == n:
            also = [a for a, w in found.items() if w is v and a != n]
            lines += section(n, v, also, documented)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines))
    return text.strip() + "\n"


def index() -> str:
    """The page that names the others."""
    lines = [
        "# API reference", "",
        "Written from the docstrings by `scripts/api_reference.py`. See also",
        "[Coming from Keras](../coming_from_keras.md).",
        "",
    ]  # fmt: skip
    for name in MODULES:
        doc = inspect.getdoc(importlib.import_module(name)) or ""
        lines.append(f"- [{name}]({name}.md): {' '.join(doc.split(chr(10) * 2)[0].split())}")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """Every file of the reference with its text."""
    return {"index.md": index(), **{f"{name}.md": page(name) for name in MODULES}}


if __name__ == "__main__":
    written = pages()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in FOLDER.glob("*.md"):
        if file.name not in written:
            file.unlink()
    for file_name, text in written.items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
    print(f"wrote {len(written)} pages to {FOLDER}")
