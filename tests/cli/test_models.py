"""The commands on model files: inspect, run, verify, convert, bench."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import model_of, node_model, numbers

import edgenet
import edgenet.cli
from edgenet import layers
from edgenet.cli import files
from edgenet.converters.onnx import compare
from edgenet.converters.onnx.describe import describe

pytestmark = pytest.mark.onnxruntime
NODE = helper.make_node


def told(capsys, *command, status=0):
    """What a command prints; its last line of errors where it fails."""
    got = edgenet.cli.main([str(c) for c in command])
    out, err = capsys.readouterr()
    assert got == status, out + err
    assert "Traceback" not in out + err
    return out if status == 0 or out else err


@pytest.fixture
def net(tmp_path):
    """Convolution, relu and a head, in a file."""
    w, b, m = numbers(1, (4, 3, 3, 3), (4,), (4, 5))
    nodes = [
        NODE("Conv", ["x", "w", "b"], ["c"], name="first", pads=[1, 1, 1, 1]),
        NODE("Relu", ["c"], ["r"], name="second"),
        NODE("GlobalAveragePool", ["r"], ["p"]),
        NODE("Flatten", ["p"], ["f"]),
        NODE("MatMul", ["f", "m"], ["y"], name="last"),
    ]
    model = model_of(
        nodes, {"x": numbers(0, (1, 3, 8, 6))[0]}, ["y"], {"w": w, "b": b, "m": m}, shapes={"x": ("n", 3, 8, 6)}
    )
    onnx.save(model, tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@pytest.fixture
def own(tmp_path):
    """A model of layers, in edgenet's own format."""
    model = edgenet.Sequential(
        [edgenet.Input((8, 6, 3)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(5)]
    )
    model.save(tmp_path / "net.edgenet")
    return tmp_path / "net.edgenet"


# inspect -------------------------------------------------------------------------------------------------------------


def test_inspect_shows_nodes_and_sums(net, capsys):
    text = told(capsys, "inspect", net)
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert lines["first"] == ["first", "Conv", "[1,", "4,", "8,", "6]", "112", "5,184"]
    assert lines["last"][-2:] == ["20", "20"]
    assert lines["parameters"] == ["parameters", "132"]
    assert lines["MACs"] == ["MACs", "5,204"]
    assert lines["input"][:3] == ["input", "'x'", "tensor(float)"]
    assert "memory" in lines
    assert "edgenet can run this model" in text


def test_inspect_multiplies_by_the_batch(net, capsys):
    assert "MACs        15,612" in told(capsys, "inspect", net, "--batch", 3, "--no-nodes")
    assert "MACs        10,408" in told(capsys, "inspect", net, "--shape", "2,3,8,6")
    assert "axes" in told(capsys, "inspect", net, "--shape", "x=2,3", status=1)


def test_inspect_reads_the_own_format(own, capsys):
    assert "parameters  597" in told(capsys, "inspect", own)


def test_inspect_lists_what_is_not_supported(tmp_path, capsys):
    (x,) = numbers(0, (2, 3))
    model = node_model("Relu", {"x": x})
    model.graph.node.append(NODE("Strange", ["y0"], ["z"], name="odd", domain="of.mine"))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 3]))
    model.opset_import.append(helper.make_opsetid("of.mine", 1))
    onnx.save(model, tmp_path / "odd.onnx")
    text = told(capsys, "inspect", tmp_path / "odd.onnx", status=1)
    assert "edgenet cannot run this model:\n- Strange node 'odd': the operator Strange of the domain 'of.mine'" in text


def test_inspect_says_which_sizes_are_open(tmp_path, capsys):
    model = node_model("Relu", {"x": np.zeros((2, 3), np.float32)})
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
    onnx.save(model, tmp_path / "open.onnx")
    text = told(capsys, "inspect", tmp_path / "open.onnx")
    assert text.startswith("sizes are open: the input 'x' has the shape [2, 'width']")
    assert "[2, 7]" in told(capsys, "inspect", tmp_path / "open.onnx", "--shape", "x=2,7")


@pytest.mark.parametrize(
    ("op", "inputs", "stored", "attrs", "wanted"),
    [
        ("Conv", [(1, 4, 9, 9)], [(6, 2, 3, 3)], {"group": 2}, 6 * 7 * 7 * 2 * 9),
        ("ConvTranspose", [(1, 4, 5, 5)], [(4, 6, 3, 3)], {}, 4 * 25 * 6 * 9),
        ("Gemm", [(4, 3)], [(4, 5)], {"transA": 1}, 3 * 4 * 5),
        ("MatMul", [(2, 7, 3)], [(3, 5)], {}, 2 * 7 * 3 * 5),
        ("LSTM", [(6, 2, 3)], [(1, 16, 3), (1, 16, 4)], {"hidden_size": 4}, 6 * 2 * 16 * 7),
        ("Relu", [(2, 3)], [], {}, 0),
    ],
)
def test_multiplications(op, inputs, stored, attrs, wanted):
    arrays = {f"x{i}": a for i, a in enumerate(numbers(0, *inputs))}
    weights = {f"w{i}": a for i, a in enumerate(numbers(0, *stored))}
    (row,) = describe(node_model(op, arrays, weights, **attrs), batch=1)
    assert row.macs == wanted
    assert row.parameters == sum(a.size for a in weights.values())


# run -----------------------------------------------------------------------------------------------------------------


def test_run_reads_and_writes_arrays(net, tmp_path, capsys):
    (x,) = numbers(3, (2, 3, 8, 6))
    want = edgenet.InferenceSession(net).run(None, {"x": x})[0]
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "all.npz", x=x)
    for given in ("x.npy", "all.npz"):
        text = told(capsys, "run", net, "--input", tmp_path / given, "--output", tmp_path / "y.npy", "--threads", 1)
        assert text.startswith("y float32 [2, 5] from ")
        np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want)
    told(capsys, "run", net, "--input", f"x={tmp_path / 'x.npy'}", "--output", tmp_path / "y.npz")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["y"], want)
    assert len(told(capsys, "run", net, "--input", tmp_path / "x.npy").splitlines()) == 3


def test_run_takes_several_inputs_and_casts(tmp_path, capsys):
    a, b = numbers(0, (2, 3), (2, 3))
    onnx.save(node_model("Sub", {"a": a, "b": b}), tmp_path / "sub.onnx")
    np.save(tmp_path / "a.npy", a.astype(np.float64))
    np.save(tmp_path / "b.npy", b)
    given = ["--input", f"b={tmp_path / 'b.npy'}", "--input", f"a={tmp_path / 'a.npy'}"]
    told(capsys, "run", tmp_path / "sub.onnx", *given, "--output", tmp_path / "y.npy")
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), a - b, rtol=1e-6)
    text = told(capsys, "run", tmp_path / "sub.onnx", "--input", f"a={tmp_path / 'a.npy'}", status=1)
    assert "no array is given for the input 'b' tensor(float) [2, 3]: pass --input NAME=FILE" in text
    text = told(capsys, "run", tmp_path / "sub.onnx", "--input", tmp_path / "a.npy", status=1)
    assert "a file without a name fits no single input: the inputs are ['a', 'b']" in text


def test_run_of_the_own_format(own, tmp_path, capsys):
    (x,) = numbers(3, (2, 8, 6, 3))
    np.save(tmp_path / "x.npy", x)
    told(capsys, "run", own, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    np.testing.assert_allclose(
        np.load(tmp_path / "y.npy"), edgenet.load(own).predict(x, verbose=0), rtol=1e-5, atol=1e-5
    )


def damage(folder, kind):
    """The path of a file that is no model."""
    path = folder / "bad.onnx"
    if kind == "folder":
        path.mkdir()
    elif kind == "cut":
        path.write_bytes((folder / "net.onnx").read_bytes()[:200])
    elif kind == "text":
        path.write_text("no model at all")
    elif kind == "empty":
        path.write_bytes(b"")
    return path if kind != "own" else (folder / "net.onnx").rename(folder / "net.edgenet")


@pytest.mark.parametrize("command", ["inspect", "run", "verify", "convert", "bench"])
@pytest.mark.parametrize("kind", ["missing", "folder", "cut", "text", "empty", "own"])
def test_bad_files_give_one_sentence(net, tmp_path, capsys, command, kind):
    path = damage(tmp_path, kind)
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 8, 6), np.float32))
    more = {"run": ["--input", tmp_path / "x.npy"], "convert": [tmp_path / "out.onnx"]}
    text = told(capsys, command, path, *more.get(command, []), status=1)
    assert text.startswith(f"edgenet {command}: ")
    assert str(path) in text


def test_bad_arrays(net, tmp_path, capsys):
    (tmp_path / "x.npy").write_text("nothing")
    assert "is no .npy or .npz file of numbers" in told(capsys, "run", net, "--input", tmp_path / "x.npy", status=1)
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 9, 6), np.float32))
    assert "expected shape ['n', 3, 8, 6]" in told(capsys, "run", net, "--input", tmp_path / "x.npy", status=1)
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 8, 6), np.complex64))
    assert "the file holds complex64" in told(capsys, "run", net, "--input", tmp_path / "x.npy", status=1)
    np.save(tmp_path / "o.npy", np.array([None]), allow_pickle=True)
    assert "is no .npy" in told(capsys, "run", net, "--input", tmp_path / "o.npy", status=1)
    assert "no folder" in told(
        capsys, "run", net, "--input", tmp_path / "x.npy", "--output", tmp_path / "no" / "y.npy", status=1
    )


# verify --------------------------------------------------------------------------------------------------------------


def test_verify_agrees(net, own, capsys):
    text = told(capsys, "verify", net)
    assert [line.split()[0] for line in text.splitlines()[:4]] == ["batch", "1", "2", "7"]
    assert "edgenet agrees with onnxruntime to 0.0001" in text
    assert len(told(capsys, "verify", own, "--batch", 3).splitlines()) == 4


def test_verify_names_the_first_node_that_differs(net, capsys, monkeypatch):
    right = compare.InferenceSession.run

    def wrong(self, names, feeds, options=None):
        results = dict(zip([o.name for o in self.get_outputs()], right(self, None, feeds), strict=True))
        spoiled = {"r": 0.5, "p": 0.5, "f": 0.5, "y": 0.5}  # as if Relu were wrong, and all that follows
        return [results[n] + np.float32(spoiled.get(n, 0)) for n in names]

    monkeypatch.setattr(compare.InferenceSession, "run", wrong)
    text = told(capsys, "verify", net, status=1)
    assert "edgenet differs from onnxruntime by" in text
    assert "the first node that differs: Relu node 'second', in 'r' by 0." in text


def test_differences():
    nan, inf = np.nan, np.inf
    y = np.array([nan, inf, 1.0, 4.0])
    assert compare.relative(y, y) == 0
    assert compare.relative(y, np.array([nan, inf, 2.0, 4.0])) == 0.25
    assert compare.relative(y, np.array([nan, -inf, 1.0, 4.0])) == inf
    assert compare.relative(y, np.array([0.0, inf, 1.0, 4.0])) == inf
    assert compare.relative(y, y[:2]) == inf
    assert compare.relative(np.array([3]), np.array([5])) == 0.4
    assert compare.relative(np.array([True]), np.array([False])) == 1


# convert -------------------------------------------------------------------------------------------------------------


def test_convert_between_formats(net, own, tmp_path, capsys):
    (x,) = numbers(3, (2, 3, 8, 6))
    want = edgenet.InferenceSession(net).run(None, {"x": x})[0]
    told(capsys, "convert", net, tmp_path / "a.edgenet")
    np.testing.assert_allclose(edgenet.load(tmp_path / "a.edgenet").predict(x, verbose=0), want, rtol=1e-4, atol=1e-5)
    told(capsys, "convert", net, tmp_path / "b.onnx", "--opset", 21)
    model = onnx.load(tmp_path / "b.onnx")
    assert (model.opset_import[0].version, model.ir_version) == (21, 10)
    assert {t.name for t in model.graph.initializer} >= {"w", "b", "m"}
    assert [i.name for i in model.graph.input] + [o.name for o in model.graph.output] == ["x", "y"]
    told(capsys, "convert", tmp_path / "a.edgenet", tmp_path / "c.onnx")
    for name in ("b.onnx", "c.onnx"):
        session = edgenet.InferenceSession(tmp_path / name)
        got = session.run(None, {session.get_inputs()[0].name: x})[0]
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    told(capsys, "convert", own, tmp_path / "d.onnx", "--layout", "NCHW", "--no-check")
    shape = edgenet.InferenceSession(tmp_path / "d.onnx").get_inputs()[0].shape
    assert shape == ["batch", 3, 8, 6]


def test_convert_to_keras_and_back(own, tmp_path, capsys):
    pytest.importorskip("h5py")
    (x,) = numbers(3, (2, 8, 6, 3))
    want = edgenet.load(own).predict(x, verbose=0)
    told(capsys, "convert", own, tmp_path / "a.keras")
    told(capsys, "convert", tmp_path / "a.keras", tmp_path / "b.h5")
    told(capsys, "convert", tmp_path / "b.h5", tmp_path / "c.edgenet")
    told(capsys, "convert", tmp_path / "b.h5", tmp_path / "c.onnx", "--opset", "13")
    np.testing.assert_array_equal(edgenet.load(tmp_path / "c.edgenet").predict(x, verbose=0), want)
    assert onnx.load(tmp_path / "c.onnx").opset_import[0].version == 13
    told(capsys, "verify", tmp_path / "a.keras")
    assert "parameters  597" in told(capsys, "inspect", tmp_path / "b.h5", "--no-nodes")


def test_convert_refuses(net, tmp_path, capsys):
    assert "the format is told by the end of a name" in told(capsys, "convert", net, tmp_path / "a.pb", status=1)
    assert "no folder" in told(capsys, "convert", net, tmp_path / "no" / "a.onnx", status=1)
    assert "expected an opset from 13" in told(capsys, "convert", net, tmp_path / "a.onnx", "--opset", 9, status=1)
    assert not (tmp_path / "a.onnx").exists()


# bench ---------------------------------------------------------------------------------------------------------------


def test_bench_tells_times_of_both(net, tmp_path, capsys):
    text = told(
        capsys, "bench", net, "--rounds", 1, "--seconds", 0.001, "--threads", 1, "--json", tmp_path / "t.json",
        "--profile",
    )  # fmt: skip
    lines = text.splitlines()
    assert lines[1].split() == ["p50", "ms", "p90", "ms", "GFLOP/s", "memory"]
    assert [line.split()[0] for line in lines[2:4]] == ["edgenet", "onnxruntime"]
    assert "× onnxruntime's time" in lines[4]
    assert "conv2d" in text
    found = json.loads((tmp_path / "t.json").read_text())
    assert found["times"]["edgenet"]["p50_s"] <= found["times"]["edgenet"]["p90_s"]
    assert found["times"]["edgenet"]["gflops"] == pytest.approx(2 * 5204 / found["times"]["edgenet"]["p50_s"] / 1e9)


def test_bench_alone(net, capsys):
    text = told(capsys, "bench", net, "--rounds", 1, "--seconds", 0.001, "--alone", "--batch", 2)
    assert "onnxruntime" not in text
    assert "x [2, 3, 8, 6]" in text


# options -------------------------------------------------------------------------------------------------------------


def test_options_of_shapes():
    assert files._shape("x=1,3") == ("x", (1, 3))
    assert files._shape("a=b:0=2x4") == ("a=b:0", (2, 4))
    assert files._shape("7") == ("", (7,))


@pytest.mark.parametrize("bad", [["--shape", "x=1,two"], ["--shape", "x=-1"], ["--threads", "0"]])
def test_bad_options_end_with_status_2(net, bad, capsys):
    with pytest.raises(SystemExit) as caught:
        edgenet.cli.main(["bench", str(net), *bad])
    assert caught.value.code == 2
    assert "expected" in capsys.readouterr().err
