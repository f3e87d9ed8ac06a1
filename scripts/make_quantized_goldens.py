#!/usr/bin/env python3
"""Writes tests/golden/quantized_operators.json: small random inputs of quantized operators and what
ONNX Runtime makes of them.

    scripts/make_quantized_goldens.py

Needs numpy, onnx and onnxruntime; a test-time tool only. Graph optimization is off, so that each
node runs as its own kernel.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8,
         "uint16": TensorProto.UINT16, "int16": TensorProto.INT16, "int32": TensorProto.INT32}
random = np.random.default_rng(20240229)


def numbers(dtype, *shape):
    if dtype == "float32":
        return random.normal(size=shape, scale=3).astype(dtype)
    if dtype == "int32":
        return random.integers(-3000, 3000, shape).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max + 1, shape).astype(dtype)


def scale(low=0.01, high=0.1, shape=()):
    return random.uniform(low, high, shape).astype(np.float32)


def zero(dtype, shape=()):
    info = np.iinfo(dtype)
    middle = 0 if info.min < 0 else (info.max + 1) // 2
    return random.integers(middle - 20, middle + 21, shape).astype(dtype)


def case(op, inputs, domain="", opset=13, **attributes):
    inputs = [None if x is None else np.asarray(x) for x in inputs]
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, ["y"], domain=domain, **attributes)
    ports = [helper.make_tensor_value_info(n, TYPES[str(x.dtype)], x.shape)
             for n, x in zip(names, inputs) if n]
    out = onnx.ValueInfoProto()
    out.name = "y"
    imports = [helper.make_opsetid("", opset)]
    if domain:
        imports.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(helper.make_graph([node], "case", ports, [out]),
                              opset_imports=imports)
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {n: x for n, x in zip(names, inputs) if n})
    return {"op": op, "domain": domain, "opset": opset, "attributes": attributes,
            "inputs": [None if x is None else tensor(x) for x in inputs], "output": tensor(y)}


def tensor(x):
    values = [float(v) if x.dtype == np.float32 else int(v) for v in x.ravel()]
    return {"dtype": str(x.dtype), "shape": list(x.shape), "values": values}


def cases():
    ms = "com.microsoft"
    for q in ("uint8", "int8"):
        yield case("QuantizeLinear", [numbers("float32", 2, 40), scale(), zero(q)], opset=10)
        yield case("QuantizeLinear",
                   [numbers("float32", 2, 3, 9), scale(shape=3), zero(q, 3)], axis=1)
        # Half-way cases: multiples of half a step around an odd and an even zero point.
        steps = (np.arange(-40, 40) / 2).astype(np.float32)
        for z in (3, 4):
            yield case("QuantizeLinear", [steps * np.float32(.25), np.float32(.25),
                                          np.array(z, q)])
        yield case("DequantizeLinear", [numbers(q, 4, 5), scale(shape=5), zero(q, 5)], axis=-1)
        yield case("DequantizeLinear", [numbers(q, 30), scale()], opset=10)
        for w in ("int8",) if q == "int8" else ("uint8", "int8"):
            x = numbers(q, 2, 4, 6, 5)
            y_scale = scale(2, 4)
            yield case("QLinearConv", [x, scale(), zero(q), numbers(w, 6, 4, 3, 3), scale(),
                                       zero(w), y_scale, zero(q)], opset=10, pads=[1, 1, 1, 1])
            yield case("QLinearConv",
                       [x, scale(), zero(q), numbers(w, 6, 2, 3, 3), scale(shape=6),
                        zero("uint8", 6) if w == "uint8" else np.zeros(6, np.int8), y_scale,
                        zero(q), numbers("int32", 6)],
                       opset=10, group=2, strides=[2, 2], pads=[0, 1, 2, 1])
            yield case("QLinearMatMul", [numbers(q, 2, 3, 17), scale(), zero(q),
                                         numbers(w, 2, 17, 4), scale(), zero(w), y_scale, zero(q)],
                       opset=10)
            yield case("MatMulInteger", [numbers(q, 3, 17), numbers(w, 17, 4), zero(q), zero(w, 4)])
            yield case("QGemm", [numbers(q, 3, 17), scale(), zero(q), numbers(w, 4, 17),
                                 scale(shape=4), np.full(4, zero(w)), numbers("int32", 4), y_scale,
                                 zero(q)], ms, transB=1)
            yield case("QGemm", [numbers(q, 17, 3), scale(), zero(q), numbers(w, 17, 4), scale(),
                                 zero(w), numbers("int32", 4)], ms, transA=1, alpha=0.5)
        for op in ("QLinearAdd", "QLinearMul"):
            yield case(op, [numbers(q, 2, 3, 7), scale(), zero(q), numbers(q, 3, 1), scale(),
                            zero(q), scale(), zero(q)], ms)
        yield case("QLinearLeakyRelu", [numbers(q, 200), scale(), zero(q), scale(), zero(q)], ms,
                   alpha=0.25)
        yield case("QLinearSigmoid", [numbers(q, 200), scale(), zero(q),
                                      np.float32(1 / 256), np.array(0, q)], ms)
        yield case("QLinearGlobalAveragePool", [numbers(q, 2, 3, 5, 4), scale(), zero(q),
                                                scale(), zero(q)], ms)
        yield case("QLinearGlobalAveragePool", [numbers(q, 2, 5, 4, 3), scale(), zero(q),
                                                scale(), zero(q)], ms, channels_last=1)
        yield case("QLinearConcat", [scale(), zero(q), numbers(q, 2, 3), scale(), zero(q),
                                     numbers(q, 2, 4), scale(), zero(q)], ms, axis=1)
    yield case("DequantizeLinear", [numbers("int32", 40), scale()])
    yield case("ConvInteger", [numbers("uint8", 1, 3, 6, 5), numbers("uint8", 4, 3, 3, 3),
                               zero("uint8"), zero("uint8")], pads=[1, 1, 1, 1])
    for q in ("uint16", "int16"):
        yield case("QuantizeLinear", [numbers("float32", 40), scale(1e-4, 2e-4), zero(q)],
                   opset=21)
        yield case("DequantizeLinear", [numbers(q, 40), scale(), zero(q)], opset=21)


target = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/quantized_operators.json"
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases())
target.write_text('{"made_by":"onnxruntime %s","cases":[\n%s\n]}\n'
                  % (onnxruntime.__version__, lines))
