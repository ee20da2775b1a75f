#!/usr/bin/env python3
"""Write all-MiniLM-L6-v2 as ONNX, in float32 and dynamically quantised to int8: the models that the peer of
`embed.mjs` runs. The graph has the nodes that an export from PyTorch has, so that the peer's own graph optimiser can
fuse what it knows.

usage: minilm_onnx.py MODEL_DIR OUT_DIR     (needs: pip install numpy onnx onnxruntime)
"""
import json
import pathlib
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

HIDDEN, HEADS, LAYERS = 384, 12, 6


def tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + length + at for at in entry["data_offsets"])
        out[name] = np.frombuffer(data[start:end], np.float32).reshape(entry["shape"])
    return out


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.num = [], [], 0

    def constant(self, array, name=None):
        self.num += 1
        name = name or f"constant_{self.num}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def op(self, kind, *inputs, **attributes):
        self.num += 1
        name = f"{kind.lower()}_{self.num}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name


def build(weights):
    g = Graph()
    ids, mask, types = "input_ids", "attention_mask", "token_type_ids"

    def norm(x, name):
        scale, shift = (g.constant(weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return g.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-12)

    def dense(x, name):
        product = g.op("MatMul", x, g.constant(weights[f"{name}.weight"].T, f"{name}.weight_t"))
        return g.op("Add", g.constant(weights[f"{name}.bias"], f"{name}.bias"), product)

    def scalar(x):
        return g.constant(np.array(x, np.float32))

    # Positions 0 .. length, sliced from a constant by the length of the input.
    length = g.op("Gather", g.op("Shape", ids), g.constant(np.array(1, np.int64)), axis=0)
    length = g.op("Unsqueeze", length, g.constant(np.array([0], np.int64)))
    numbers = g.constant(np.arange(512, dtype=np.int64)[None])
    zero, one = g.constant(np.array([0], np.int64)), g.constant(np.array([1], np.int64))
    positions = g.op("Slice", numbers, zero, length, one)
    x = g.op(
        "Add",
        g.op("Gather", g.constant(weights["embeddings.word_embeddings.weight"], "words"), ids),
        g.op("Gather", g.constant(weights["embeddings.token_type_embeddings.weight"], "types"), types),
    )
    x = g.op("Add", x, g.op("Gather", g.constant(weights["embeddings.position_embeddings.weight"], "places"), positions))
    x = norm(x, "embeddings.LayerNorm")

    wide = g.op("Unsqueeze", mask, g.constant(np.array([1, 2], np.int64)))
    wide = g.op("Cast", wide, to=TensorProto.FLOAT)
    bias = g.op("Mul", g.op("Sub", scalar(1.0), wide), scalar(np.finfo(np.float32).min))

    heads = g.constant(np.array([0, 0, HEADS, HIDDEN // HEADS], np.int64))
    joined = g.constant(np.array([0, 0, HIDDEN], np.int64))
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        q, k, v = (
            g.op("Reshape", dense(x, f"{at}.attention.self.{part}"), heads) for part in ("query", "key", "value")
        )
        q, v = (g.op("Transpose", y, perm=[0, 2, 1, 3]) for y in (q, v))
        k = g.op("Transpose", k, perm=[0, 2, 3, 1])
        scores = g.op("Div", g.op("MatMul", q, k), scalar((HIDDEN // HEADS) ** 0.5))
        scores = g.op("Softmax", g.op("Add", scores, bias), axis=-1)
        context = g.op("Transpose", g.op("MatMul", scores, v), perm=[0, 2, 1, 3])
        context = g.op("Reshape", context, joined)
        x = norm(g.op("Add", dense(context, f"{at}.attention.output.dense"), x), f"{at}.attention.output.LayerNorm")
        h = dense(x, f"{at}.intermediate.dense")
        erf = g.op("Add", g.op("Erf", g.op("Div", h, scalar(2**0.5))), scalar(1.0))
        h = g.op("Mul", g.op("Mul", h, erf), scalar(0.5))
        x = norm(g.op("Add", dense(h, f"{at}.output.dense"), x), f"{at}.output.LayerNorm")
    g.nodes[-1].output[0] = "last_hidden_state"

    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in (ids, mask, types)]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", HIDDEN])]
    graph = helper.make_graph(g.nodes, "all-MiniLM-L6-v2", inputs, outputs, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main():
    source, out = (pathlib.Path(arg) for arg in sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(build(tensors(source / "model.safetensors")), out / "model.onnx")
    # Unsigned weights are what the peer recommends for its int8 models on processors without VNNI and what the widely
    # used quantised MiniLM files hold.
    quantize_dynamic(out / "model.onnx", out / "model_quantized.onnx", weight_type=QuantType.QUInt8)
    for file in sorted(out.glob("*.onnx")):
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")


main()
