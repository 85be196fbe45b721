"""A model as an ONNX graph, for ONNX Runtime in any language."""

import json
from collections.abc import Sequence

import numpy as np

from mnist_core.data.npz import CLASS_NAMES
from mnist_core.errors import MissingPackageError
from mnist_core.models.optional import install_hint
from mnist_core.nn.activations import ACTIVATIONS
from mnist_core.nn.network import Network

ONNX_OPSET, ONNX_IR_VERSION = 13, 8
"""Old enough for every runtime since 2021; from opset 13 on, Softmax works along one axis as :func:`softmax` does."""


def to_onnx(network: Network, image_shape: tuple[int, int], class_names: Sequence[str] = ()) -> bytes:
    """Write the graph from ``images``, uint8 (N, H, W), to ``probabilities``, float32 (N, C); see :data:`FORMATS`.

    Cast and Div are :func:`normalize`, Flatten is :func:`flatten`, and each Gemm is ``a @ W + b``. Names of classes are
    metadata, a JSON list.
    """
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise MissingPackageError(install_hint("onnx")) from error
    constants = {"white": np.array(255, np.float32)}
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "white"], ["normalized"]),
        helper.make_node("Flatten", ["normalized"], ["a0"], axis=1),
    ]
    depth = len(network.weights)
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        constants |= {f"W{layer}": weight.astype(np.float32), f"b{layer}": bias.astype(np.float32)}
        nodes.append(helper.make_node("Gemm", [f"a{layer - 1}", f"W{layer}", f"b{layer}"], [f"z{layer}"]))
        if layer < depth:
            for node in ACTIVATIONS[network.activation].onnx:
                constants |= {str(x): np.array(x, np.float32) for x in node.inputs if isinstance(x, float)}
                inputs = [f"{x}{layer}" if isinstance(x, str) else str(x) for x in node.inputs]
                nodes.append(helper.make_node(node.operator, inputs, [f"{node.output}{layer}"], **node.attributes))
    nodes.append(helper.make_node("Softmax", [f"z{depth}"], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes,
        "mnist",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *image_shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", network.layer_sizes[-1]])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", ONNX_OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=ONNX_IR_VERSION, producer_name="mnist_core")
    if class_names:
        helper.set_model_props(model, {CLASS_NAMES: json.dumps(class_names)})
    content: bytes = model.SerializeToString()
    return content
