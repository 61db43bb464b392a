"""onnxruntime as the judge of the oracles."""

import numpy as np
import pytest

OPSET = 18


def pytest_collection_modifyitems(items):
    for item in items:
        if "onnx_node" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.onnxruntime)


@pytest.fixture(scope="session")
def onnx_node():
    """`onnx_node("Relu", [x], outputs=1, **attributes)` runs a model of this one node in onnxruntime."""
    onnx = pytest.importorskip("onnx", reason="onnx, which writes the one-node models, is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime, the judge, is not installed")
    helper = onnx.helper

    def run(op, inputs, outputs=1, **attributes):
        inputs = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs)}
        names = [f"y{i}" for i in range(outputs)]
        declared = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in inputs.items()
        ]
        node = helper.make_node(op, list(inputs), names, **attributes)
        # The outputs are left without a type, for onnxruntime to infer.
        graph = helper.make_graph([node], op, declared, [onnx.ValueInfoProto(name=name) for name in names])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, inputs)

    return run
