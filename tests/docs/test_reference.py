"""The pages that scripts write are what the scripts give: no docstring, name or argument changes without them."""

import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
AGAIN = "run `python scripts/{}.py`"


@pytest.fixture(scope="module")
def script():
    """Loads a script of the scripts folder by its name."""
    pytest.importorskip("onnx", reason="edgenet.converters.onnx has a page")
    sys.path.insert(0, str(ROOT / "scripts"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "scripts"))


def test_the_reference_is_that_of_the_docstrings(script):
    pages = script("api_reference").pages()
    there = {p.name: p.read_text(encoding="utf-8") for p in (DOCS / "api").glob("*.md")}
    assert set(there) == set(pages), AGAIN.format("api_reference")
    stale = [name for name in pages if pages[name] != there[name]]
    assert not stale, f"{stale}: {AGAIN.format('api_reference')}"


def test_every_public_name_has_its_place_in_the_reference(script):
    reference = script("api_reference")
    for module in reference.MODULES:
        text = (DOCS / "api" / f"{module}.md").read_text(encoding="utf-8")
        for name in reference.public(importlib.import_module(module)):
            assert re.search(rf"^## {name}$|^Also .*`{name}`", text, re.MULTILINE), f"{module}.{name}"


def test_the_reference_holds_no_addresses_and_no_open_code():
    for path in (DOCS / "api").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert " at 0x" not in text, path.name
        assert text.count("```") % 2 == 0, path.name


def test_docstrings_become_markdown(script):
    doc = """One line.

    Args:
        x: shape (n,),
            any n.

    Raises:
        ValueError: if not.

    >>> 1 + 1
    2
    """
    assert script("api_reference").markdown(doc) == [
        "One line.", "", "**Args**", "", "- `x`: shape (n,),", "  any n.", "",
        "**Raises**", "", "- `ValueError`: if not.", "", "```python", ">>> 1 + 1", "2", "```",
    ]  # fmt: skip


def test_coming_from_keras_is_what_a_comparison_gives(script):
    page = (DOCS / "coming_from_keras.md").read_text(encoding="utf-8")
    assert script("coming_from_keras").text() == page, AGAIN.format("coming_from_keras")


def table(page, heading):
    """name → (status, notes) of the table below a heading."""
    part = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \| (yes|no|differs) \|(.*)\|$", part, re.MULTILINE)
    return {name: (status, notes.strip()) for name, status, notes in found}


def test_coming_from_keras_lists_every_name(script):
    comparison = script("coming_from_keras")
    page = (DOCS / "coming_from_keras.md").read_text(encoding="utf-8")
    keras = json.loads((ROOT / "scripts" / "keras_names.json").read_text(encoding="utf-8"))
    assert set(keras) == {"version", *comparison.HOMES}
    for group, home in comparison.HOMES.items():
        heading = group if group == "keras" or group.endswith("methods") else f"keras.{group}"
        listed, mine = table(page, heading), comparison.names_of(home)
        assert set(listed) == set(keras[group]), group
        for name, (status, notes) in listed.items():
            assert (name in mine) == (status != "no"), f"{group}.{name}"
            assert notes or status != "differs", f"{group}.{name} does not say what differs"
    for module in comparison.MODULES:
        for name in comparison.names_of(module):
            assert f"| `{name}` |" in page, f"{module}.{name}"


def test_a_comparison_finds_what_differs(script):
    difference = script("coming_from_keras").difference
    theirs = [("x", ""), ("axis", "-1"), ("size", "(2, 2)"), ("**kwargs", "")]
    assert difference([("x", ""), ("axis", "-1"), ("size", "[2, 2]"), ("name", "None")], theirs) == ""
    assert difference([("x", ""), ("size", "(2, 2)"), ("axis", "1"), ("more", "0")], theirs) == (
        "also takes `more`; `axis=1` where Keras has `-1`; other order: `x`, `size`, `axis`"
    )
    assert difference([("x", ""), ("axis", "-1")], theirs) == "without `size`"


def test_notes_are_about_names_that_there_are(script):
    """No note outlives the name it was written for."""
    comparison, notes = script("coming_from_keras"), script("keras_notes")
    keras = json.loads((ROOT / "scripts" / "keras_names.json").read_text(encoding="utf-8"))
    here, gone = set(), set()
    for group, home in comparison.HOMES.items():
        mine = comparison.names_of(home)
        for name in keras[group]:
            (here if name in mine else gone).add(f"{group}.{name}")
    for table_of_notes, keys in ((notes.DIFFERS, here), (notes.MISSING, gone)):
        unused = [p for p in table_of_notes if not any(re.fullmatch(p, key) for key in keys)]
        assert not unused
