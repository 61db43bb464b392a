"""Small ONNX models for tests, and onnxruntime as their judge."""

import numpy as np
import onnx
from numpy.testing import assert_allclose
from onnx import helper, numpy_helper

from edgenet.converters.onnx import backend
from tolerance import tolerance


def model_of(nodes, inputs, outputs, initialisers=(), opset=17, shapes=None, ir_version=8):
    """A model: `inputs` and `initialisers` are arrays by name, `outputs` names; `shapes` overrides declared shapes."""
    declared = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), list((shapes or {}).get(name, array.shape))
        )
        for name, array in dict(inputs).items()
    ]
    stored = [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(initialisers).items()]
    made = [o if isinstance(o, onnx.ValueInfoProto) else helper.make_empty_tensor_value_info(o) for o in outputs]
    graph = helper.make_graph(list(nodes), "test", declared, made, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    inferred = onnx.shape_inference.infer_shapes(model)
    return inferred if all(o.type.HasField("tensor_type") for o in inferred.graph.output) else model


def node_model(op, inputs, initialisers=(), opset=17, order=None, outputs=1, **attrs):
    """A model of one node whose inputs are `inputs` and then `initialisers`, or what `order` says."""
    names = order or [*dict(inputs), *dict(initialisers)]
    made = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, made, name="the_node", **attrs)
    return model_of([node], inputs, made, initialisers, opset)


def theirs(model, arrays):
    """What onnxruntime computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, arrays, strict=True)))


def ours(model, arrays):
    """What edgenet computes, through the backend."""
    with np.errstate(all="ignore"):
        return backend.prepare(model).run(list(arrays))


def numbers(seed, *shapes):
    """Standard normal float32 arrays."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape), np.float32) for shape in shapes]


def judge(model, arrays, k=1):
    """Assert that edgenet and onnxruntime agree on every output."""
    wanted = theirs(model, arrays)
    got = ours(model, arrays)
    assert len(got) == len(wanted)
    for y, want in zip(got, wanted, strict=True):
        assert y.shape == want.shape
        assert y.dtype == want.dtype
        rtol, atol = tolerance(want.dtype, k)
        assert_allclose(y, want, rtol, atol * max(1.0, np.abs(want).max(initial=0)))
