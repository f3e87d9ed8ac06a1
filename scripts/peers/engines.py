"""Other inference engines behind one small interface, for bench_peers.sh.

An engine is made with the ONNX file, the input shape and the number of threads; run(x) returns the
outputs in the file's order. Nothing of this is part of the product.
"""

import importlib.util
import os
import pathlib
import subprocess

import numpy as np


class Engine:
    @staticmethod
    def prepare(model, shape):
        """What does not count as loading a model: imports, conversion of files."""


class OnnxRuntime(Engine):
    @staticmethod
    def prepare(model, shape):
        import onnxruntime  # noqa: F401

    def __init__(self, model, shape, threads):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.version = ort.__version__

    def run(self, x):
        return self.session.run(None, {self.input: x})


class OpenVino(Engine):
    """As installed: on a processor with bf16 instructions it chooses bf16 by itself."""

    @staticmethod
    def prepare(model, shape):
        import openvino  # noqa: F401

    def __init__(self, model, shape, threads, **config):
        import openvino as ov

        core = ov.Core()
        network = core.read_model(model)
        network.reshape(list(shape))
        config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", **config}
        self.compiled = core.compile_model(network, "CPU", config)
        self.request = self.compiled.create_infer_request()
        self.version = ov.__version__.split("-")[0]

    def run(self, x):
        results = self.request.infer([x], share_inputs=True, share_outputs=True)
        return [results[port] for port in self.compiled.outputs]


class OpenVinoF32(OpenVino):
    def __init__(self, model, shape, threads):
        super().__init__(model, shape, threads, INFERENCE_PRECISION_HINT="f32")


class OpenCv(Engine):
    @staticmethod
    def prepare(model, shape):
        import cv2  # noqa: F401

    def __init__(self, model, shape, threads):
        import cv2

        cv2.setNumThreads(threads)
        self.net = cv2.dnn.readNetFromONNX(model)
        self.names = self.net.getUnconnectedOutLayersNames()
        self.version = cv2.__version__

    def run(self, x):
        self.net.setInput(x)
        return list(self.net.forward(self.names))


class Ncnn(Engine):
    @staticmethod
    def prepare(model, shape):
        import ncnn  # noqa: F401

        convert_to_ncnn(model, shape)

    def __init__(self, model, shape, threads, bf16=False):
        import ncnn

        self.ncnn = ncnn
        param, weights = convert_to_ncnn(model, shape)
        self.net = ncnn.Net()
        self.net.opt.num_threads = threads
        self.net.opt.use_bf16_storage = bf16
        self.net.load_param(str(param))
        self.net.load_model(str(weights))
        self.inputs = self.net.input_names()
        # pnnx numbers the outputs in the file's order: out0, out1, ...
        self.outputs = sorted(self.net.output_names(), key=lambda name: int(name[len("out"):]))
        self.version = ncnn.__version__

    def run(self, x):
        extractor = self.net.create_extractor()
        # A copy: ncnn computes the first layer in place, in numpy's memory if it were lent.
        extractor.input(self.inputs[0], self.ncnn.Mat(x[0]).clone())
        # The copy out of ncnn's memory belongs to the run, as it does elsewhere.
        return [np.array(extractor.extract(name)[1])[None] for name in self.outputs]


class NcnnBf16(Ncnn):
    def __init__(self, model, shape, threads):
        super().__init__(model, shape, threads, bf16=True)


def convert_to_ncnn(model, shape):
    """pnnx beside the model file, once per shape; weights stay fp32."""
    source = pathlib.Path(model)
    folder = source.parent / f"{source.stem}-{'x'.join(map(str, shape))}-ncnn"
    param, weights = folder / "model.ncnn.param", folder / "model.ncnn.bin"
    if not param.exists():
        folder.mkdir(exist_ok=True)
        link = folder / "model.onnx"
        link.unlink(missing_ok=True)
        link.symlink_to(source.resolve())
        # Importing the package would need torch; its program does not.
        program = pathlib.Path(importlib.util.find_spec("pnnx").origin).parent / "pnnx"
        program.chmod(0o755)
        with open(folder / "log.txt", "w") as log:
            subprocess.run(
                [program, "model.onnx", f"inputshape={list(shape)}f32".replace(" ", ""), "fp16=0"],
                cwd=folder, stdout=log, stderr=log, check=True)
        for leftover in folder.glob("model.pnnx*"):
            os.unlink(leftover)
    return param, weights


# Engine -> what the table calls it (with its version), arithmetic it is compared with, class.
ENGINES = {
    "onnxruntime": ("ONNX Runtime {}", "fp32", OnnxRuntime),
    "openvino-f32": ("OpenVINO {}, fp32 forced", "fp32", OpenVinoF32),
    "opencv": ("OpenCV DNN {}", "fp32", OpenCv),
    "ncnn": ("ncnn {}", "fp32", Ncnn),
    "openvino": ("OpenVINO {}, default", "bf16", OpenVino),
    "ncnn-bf16": ("ncnn {}, bf16 storage", "bf16", NcnnBf16),
}
