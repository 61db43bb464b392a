import argparse
import json
from types import SimpleNamespace


def test_a_failure_ends_in_status_1_and_stands_in_the_file(report, tmp_path, capsys):
    path = tmp_path / "out.json"
    options = argparse.Namespace(json=path, fast=False)
    table = report.Report("Title", {"name": "<6", "µs": "6.1f"}, options)
    table.head()
    table.add({"name": "x", "µs": 2.0, "extra": [1]})
    table.add({"name": "y"})
    table.fail("y went wrong")
    assert table.close() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[-4:-1]] == [["name", "µs"], ["x", "2.0"], ["y", "–"]]
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["rows"][0] == {"name": "x", "µs": 2.0, "extra": [1]}
    assert stored["failed"] == ["y went wrong"]
    assert {"cpu", "isa", "cores", "target", "versions", "commit"} <= set(stored["machine"])


def test_a_row_for_each_peer_and_the_geometric_means(report, capsys):
    def contestant(name, *seconds):
        return SimpleNamespace(name=name, seconds=list(seconds), median=sorted(seconds)[1], best=min(seconds))

    table = report.Report("Title", {"model": "<6", "edgenet ms": "6.1f"}, argparse.Namespace(json=None, fast=False))
    ours = contestant("edgenet", 1.0, 2.0, 3.0)
    for model, slow in (("one", 1.0), ("two", 4.0), ("odd", 1e6)):
        row = {"model": model, "batch": 1, "threads": 2, "counted": model != "odd"}
        a, b = contestant("a", 0.5 * slow, slow, 1.5 * slow), contestant("b", 4.0, 8.0, 12.0)
        table.add_all(row, ours, [a, b], "ms", {"b": {"more": model}})
    assert [(r["model"], r["peer"], r.get("more")) for r in table.rows[:3]] == [
        ("one", "a", None), ("one", "b", "one"), ("two", "a", None),
    ]  # fmt: skip
    assert [r["ratio"] for r in table.rows[:4]] == [0.5, 4.0, 2.0, 4.0]
    table.means()
    found = {m["peer"]: (m["batch"], m["threads"], m["mean"], m["best"]) for m in table.extra["means"]}
    assert found == {"a": (1, 2, 1.0, 1.0), "b": (1, 2, 0.25, 0.25), "the best": (1, 2, 1.0, 1.0)}
    assert "2.00 one" in capsys.readouterr().out


def test_means_of_nothing_are_not_told(report, capsys):
    table = report.Report("Title", {"model": "<6"}, argparse.Namespace(json=None, fast=False))
    table.add_all({"model": "x"}, type("C", (), {"seconds": [1.0], "median": 1.0, "best": 1.0}), [], "ms")
    table.means()
    assert "means" not in table.extra
    assert "Geometric" not in capsys.readouterr().out
