"""Write docs/coming_from_keras.md: every public name of Keras with yes, no, or what differs.

    python scripts/coming_from_keras.py

Names and arguments of Keras are those in keras_names.json, of edgenet those of the installed package: whether a name is
there and takes the same arguments, in the same order, with the same defaults, is found by comparing.  What no
comparison can find stands in keras_notes.py.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

from api_reference import MODULES, default, describes, public
from keras_notes import DIFFERS, INTRODUCTION, MISSING

from edgenet.models.keywords import NEEDLESS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "coming_from_keras.md"
#: groups of Keras, and where edgenet keeps the same
HOMES = {
    "keras": "edgenet", "layers": "edgenet.layers", "losses": "edgenet.losses", "metrics": "edgenet.metrics",
    "optimizers": "edgenet.optimizers", "optimizers.schedules": "edgenet.optimizers.schedules",
    "callbacks": "edgenet.callbacks", "activations": "edgenet.activations", "initializers": "edgenet.initializers",
    "regularizers": "edgenet.regularizers", "constraints": "edgenet.constraints", "models": "edgenet.models",
    "utils": "edgenet.utils", "saving": "edgenet.models", "datasets": "edgenet.datasets", "ops": "edgenet.ops",
    "random": None, "Layer methods": "edgenet.layers.Layer", "Model methods": "edgenet.models.Model",
    "Sequential methods": "edgenet.models.Sequential", "Optimizer methods": "edgenet.optimizers.Optimizer",
    "Loss methods": "edgenet.losses.Loss", "Metric methods": "edgenet.metrics.Metric",
}  # fmt: skip
#: arguments which each layer, loss, … takes in both libraries, written out or not
COMMON = {"name", "trainable", "dtype", "reduction"}

Arguments = list[tuple[str, str]]


def names_of(home: str | None) -> dict[str, Any]:
    """The public names of a module or of a class."""
    if home is None:
        return {}
    if home in MODULES:
        module = importlib.import_module(home)
        inside = {n: getattr(module, n) for n in getattr(module, "__all__", ()) if inspect.ismodule(getattr(module, n))}
        return {**public(module), **inside}
    module_name, _, cls = home.rpartition(".")
    kind = getattr(importlib.import_module(module_name), cls)
    made = kind() if cls != "Model" else importlib.import_module(module_name).Sequential()
    return {n: getattr(kind, n, None) for n in sorted({*dir(kind), *vars(made)}) if not n.startswith("_")}


def arguments(thing: Any) -> Arguments | None:
    """Name and default, as text, of each argument; stars stand before those that take any."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [
        (stars.get(p.kind, "") + p.name, "" if p.default is p.empty else default(p.default))
        for p in parameters
        if p.name != "self"
    ]


def same(mine: str, theirs: str) -> bool:
    """Whether two defaults mean the same."""
    if mine.lower() == theirs.lower() or "<" in theirs:  # names of initializers and such go in any case
        return True
    try:
        a, b = (ast.literal_eval(v) for v in (mine, theirs))
    except (ValueError, SyntaxError):
        return False
    return bool((list(a) if isinstance(a, tuple) else a) == (list(b) if isinstance(b, tuple) else b))


def difference(mine: Arguments | None, theirs: Arguments | None) -> str:
    """What a comparison of arguments finds, in words; nothing if they are the same."""
    if mine is None or theirs is None:
        return ""
    anything = any(n.startswith("**") for n, _ in mine)
    own, known = ({n: d for n, d in side if not n.startswith("*")} for side in (mine, theirs))
    missing = [n for n in known if n not in own and not (anything and n in COMMON)]
    more = [n for n in own if n not in known and n not in COMMON]
    defaults = [
        f"`{n}={own[n] or '…'}` where Keras has `{known[n] or 'no default'}`"
        for n in known
        if n in own and n != "name" and not same(own[n], known[n])  # a name of None is what Keras writes out
    ]
    shared = [n for n in own if n in known]
    found = []
    if missing:
        found.append("without " + ", ".join(f"`{n}`" for n in missing))
    if more:
        found.append("also takes " + ", ".join(f"`{n}`" for n in more))
    found += defaults
    if shared != [n for n in known if n in own]:
        found.append("other order: " + ", ".join(f"`{n}`" for n in shared))
    return "; ".join(found)


def noted(table: dict[str, str], key: str) -> str:
    """The note whose pattern fits a name."""
    return next((note for pattern, note in table.items() if re.fullmatch(pattern, key)), "")


def rows(group: str, theirs: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, yes, no or differs, what is to be said) of each name of a group."""
    mine, out = names_of(HOMES[group]), []
    for name in sorted(theirs, key=lambda n: (n.lower(), n)):
        key = f"{group}.{name}"
        if name not in mine:
            out.append((name, "no", noted(MISSING, key)))
            continue
        thing = mine[name]
        told = theirs[name]
        wanted = told and [(n, d) for n, d in told if name != "compile" or n not in NEEDLESS]
        found = difference(arguments(thing), wanted) if describes(thing) else ""
        notes = "; ".join(n for n in (noted(DIFFERS, key), found) if n)
        out.append((name, "differs" if notes else "yes", notes))
    return out


def summary(thing: Any) -> str:
    """The first sentence of a docstring."""
    doc = (inspect.getdoc(thing) or "") if describes(thing) or inspect.ismodule(thing) else ""
    return " ".join(doc.split("\n\n")[0].split()).replace("|", "\\|")


def text() -> str:
    """The whole page."""
    keras = json.loads((HERE / "keras_names.json").read_text(encoding="utf-8"))
    parts, count = [], {"yes": 0, "differs": 0, "no": 0}
    for group, home in HOMES.items():
        heading = "keras" if group == "keras" else group if group.endswith("methods") else f"keras.{group}"
        parts += [f"## {heading}", "", f"In edgenet: `{home}`." if home else "Not in edgenet.", ""]
        parts += ["| name | | |", "|---|---|---|"]
        for name, status, notes in rows(group, keras[group]):
            count[status] += 1
            parts.append(f"| `{name}` | {status} | {notes} |".replace("|  |", "| |"))
        parts.append("")
    parts += ["## What Keras does not have", ""]
    for module in MODULES:
        mine = names_of(module)
        group = next((g for g, home in HOMES.items() if home == module), None)
        more = [n for n in mine if group is None or n not in keras[group]]
        if more:
            parts += [f"### {module}", "", "| name | |", "|---|---|"]
            parts += [f"| `{n}` | {summary(mine[n])} |".replace("|  |", "| |") for n in more] + [""]
    total = f"Of {sum(count.values())} names of Keras {keras['version']}, {count['yes']} are there as they are, "
    total += f"{count['differs']} differ in what is said beside them, {count['no']} are not there."
    return "\n".join(["# Coming from Keras", "", INTRODUCTION.strip(), "", total, "", *parts]).strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
    print(f"wrote {PAGE}")
