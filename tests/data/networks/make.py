#!/usr/bin/env python3
"""Makes narrow.onnx: a small classifier of the shapes that GPU kernels treat apart. Needs python3-onnx and numpy.

Convolutions with 6 input channels, a depthwise one with two filters a channel, overlapping and separate max-pools of an even
number of places, an average pool, a dense layer.
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(7)
nodes, constants = [], []
top = "input"


def add(op, weights=(), **attributes):
    global top
    inputs = [top]
    for shape in weights:
        name = f"w{len(constants)}"
        values = random.normal(size=shape) / np.sqrt(np.prod(shape[1:]) or 1) * 1.5
        constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        inputs.append(name)
    top = f"t{len(nodes)}"
    nodes.append(helper.make_node(op, inputs, [top], **attributes))


pad = [1, 1, 1, 1]
add("Conv", [(6, 3, 3, 3), (6,)], pads=pad)
add("Relu")
add("Conv", [(8, 6, 3, 3), (8,)], pads=pad)
add("Relu")
add("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
add("Conv", [(16, 1, 3, 3), (16,)], group=8, strides=[2, 2], pads=pad)
add("Relu")
add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
add("Conv", [(12, 16, 3, 3), (12,)], pads=pad, strides=[2, 2])
add("Relu")
add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
add("Flatten")
add("Gemm", [(12 * 2 * 2, 3), (3,)])
nodes[-1].output[0] = "logits"

graph = helper.make_graph(
    nodes, "narrow",
    [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 32, 32])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 8
onnx.checker.check_model(model, full_check=True)
onnx.save(model, pathlib.Path(__file__).with_name("narrow.onnx"))
