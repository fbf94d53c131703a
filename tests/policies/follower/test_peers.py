"""Networks trained elsewhere: which are taken."""

import numpy as np
import pytest

from pilotfish.policies.registry import make_fleet_policy


def network(path, width: int):
    """An ONNX file with the inputs and outputs of Learn to Follow, ``width`` cells wide."""
    onnx = pytest.importorskip("onnx")
    of = onnx.helper
    weights = onnx.numpy_helper.from_array(np.zeros((2 * width * width, 5), dtype=np.float32), "weights")
    graph = of.make_graph(
        [
            of.make_node("Flatten", ["obs"], ["flat"]),
            of.make_node("MatMul", ["flat", "weights"], ["action_logits"]),
        ],
        "peer",
        [of.make_tensor_value_info("obs", onnx.TensorProto.FLOAT, ["batch", 2, width, width])],
        [of.make_tensor_value_info("action_logits", onnx.TensorProto.FLOAT, ["batch", 5])],
        [weights],
    )
    model = of.make_model(graph, opset_imports=[of.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("width", [1, 7, 11])
def test_an_odd_width_within_the_view_is_taken(tmp_path, width):
    assert make_fleet_policy(f"onnx:{network(tmp_path / 'peer.onnx', width)}")


@pytest.mark.parametrize("width", [6, 13])
def test_another_width_is_refused(tmp_path, width):
    with pytest.raises(ValueError, match=f"input {width} cells wide .* odd.* at most 11"):
        make_fleet_policy(f"onnx:{network(tmp_path / 'peer.onnx', width)}")
