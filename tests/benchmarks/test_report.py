import argparse
import json


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
