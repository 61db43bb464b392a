"""The command ``edgenet demo``."""

import edgenet.cli
from edgenet.cli import demo


def test_a_missing_folder_is_named_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "build_model", None)  # calling it would fail otherwise than expected
    monkeypatch.setattr(demo.shapes, "load_data", None)
    target = tmp_path / "nodir" / "x.onnx"
    assert edgenet.cli.main(["demo", "--output", str(target)]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"edgenet demo: cannot write {target}: there is no folder {target.parent}\n")
