#!/usr/bin/env python3
"""Quantizes a face network by ONNX Runtime's quantize_static in every form it offers, and compares
what visavis and ONNX Runtime make of each file.

    scripts/compare_foreign_quantized.py model.onnx CROPS_FOLDER [--crops 20]
        [--isa scalar,avx2,...] [--visavis build/apps/visavis/visavis] [--shared ../shared]

Per file: the least cosine between visavis and ONNX Runtime, as it runs by default and with
optimization off (it then takes pairs of QuantizeLinear and DequantizeLinear by the letter, in floats),
visavis' steps that run in float, and which instruction sets give other bits than the last. Exit code
1 if a cosine by default is below --least. Needs numpy, onnx, onnxruntime and Pillow; a test-time tool only.
"""

import argparse
import collections
import itertools
import json
import logging
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                      quantize_static)
from PIL import Image

from compare_quantized_with_ort import run_onnxruntime, run_visavis

CALIBRATION = 32
FORMS = [  # operator set, format
    (11, QuantFormat.QOperator), (13, QuantFormat.QDQ), (13, QuantFormat.QOperator),
    (21, QuantFormat.QDQ), (21, QuantFormat.QOperator)]
TYPES = [  # activations, weights
    (QuantType.QUInt8, QuantType.QInt8), (QuantType.QUInt8, QuantType.QUInt8),
    (QuantType.QInt8, QuantType.QInt8)]


class Crops(CalibrationDataReader):
    def __init__(self, paths):
        self.inputs = ({"data": np.asarray(Image.open(path).convert("RGB"), dtype=np.float32)
                        .transpose(2, 0, 1)[None]} for path in paths)

    def get_next(self):
        return next(self.inputs, None)


def steps(program, model):
    plan = subprocess.run([program, "model", "plan", "--json", model], check=True,
                          stdout=subprocess.PIPE).stdout
    kernels = [step["kernel"] for step in json.loads(plan)["steps"]]
    floats = collections.Counter(kernel for kernel in kernels if "int8" not in kernel)
    return len(kernels), floats


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("calibration", type=pathlib.Path)
    parser.add_argument("--crops", type=int, default=20)
    parser.add_argument("--isa", default="scalar,avx2,avx512_vnni,amx")
    parser.add_argument("--least", type=float, default=0.9999)
    parser.add_argument("--visavis", default="build/apps/visavis/visavis")
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("../shared"))
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)

    calibration = sorted(arguments.calibration.glob("*.png"))[:CALIBRATION]
    crops = sorted(arguments.shared.resolve().glob("data/lfw/aligned/*/*.jpg"))
    crops = random.Random(0).sample(crops, arguments.crops)
    isas = arguments.isa.split(",")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder, "base.onnx")
        quantized = pathlib.Path(folder, "int8.onnx")
        for (opset, form), (activations, weights), per_channel in itertools.product(
                FORMS, TYPES, (False, True)):
            name = (f"opset {opset} {form.name:9} {activations.name[1:]:5} x {weights.name[1:]:5} "
                    f"{'per channel' if per_channel else 'per tensor':11}")
            subprocess.run([arguments.visavis, "model", "convert", arguments.model, base, "--opset",
                            str(opset), "--fold-batchnorm"], check=True, stdout=subprocess.DEVNULL)
            try:
                quantize_static(base, quantized, Crops(calibration), quant_format=form,
                                activation_type=activations, weight_type=weights,
                                per_channel=per_channel)
                theirs = [run_onnxruntime(quantized, crops, level)
                          for level in ("ORT_ENABLE_ALL", "ORT_DISABLE_ALL")]
            except Exception as error:  # what the peer cannot do is no failure of ours
                print(f"{name} ONNX Runtime: {str(error).splitlines()[0][:90]}", flush=True)
                continue
            by_isa = {isa: run_visavis(arguments.visavis, quantized, crops, isa)
                      for isa in isas}
            ours = by_isa[isas[-1]]
            least = [((ours * rows).sum(axis=1) / np.linalg.norm(ours, axis=1)
                      / np.linalg.norm(rows, axis=1)).min() for rows in theirs]
            other = [isa for isa in isas if not np.array_equal(by_isa[isa], ours)]
            count, floats = steps(arguments.visavis, quantized)
            print(f"{name} least cosine {least[0]:.7f}, optimization off {least[1]:.7f}; "
                  f"{count} steps, in float: {dict(floats) or 'none'}; other bits than {isas[-1]}: "
                  f"{', '.join(other) or 'none'}", flush=True)
            failed |= least[0] < arguments.least
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
