#!/usr/bin/env python3
"""Runs a quantized recognition network in ONNX Runtime and in visavis on aligned crops, and compares
the embeddings.

    scripts/compare_quantized_with_ort.py int8.onnx [--crops 1000] [--isa scalar,avx2,...]
                                          [--visavis build/apps/visavis/visavis] [--shared ../shared]

Prints the mean and the least cosine between ONNX Runtime at each optimization level and visavis on
each instruction set. Exit code 1 if a mean is below --least. Needs numpy, onnxruntime and Pillow; a
test-time tool only.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from PIL import Image


def run_visavis(program, model, crops, isa):
    with tempfile.TemporaryDirectory() as folder:
        paths = pathlib.Path(folder, "crops.txt")
        paths.write_text("".join(f"{crop}\n" for crop in crops))
        rows = pathlib.Path(folder, "rows.npy")
        environment = dict(os.environ, **({"VISAVIS_ISA": isa} if isa else {}))
        subprocess.run([program, "embed", "--aligned", "--list", paths, "-o", rows, "--model", model],
                       check=True, stdout=subprocess.DEVNULL, env=environment)
        return np.load(rows)


def run_onnxruntime(model, crops, level):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    rows = []
    for crop in crops:
        pixels = np.asarray(Image.open(crop).convert("RGB"), dtype=np.float32)
        rows.append(session.run(None, {name: pixels.transpose(2, 0, 1)[None]})[0][0])
    return np.array(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--crops", type=int, default=1000)
    parser.add_argument("--isa", default="")
    parser.add_argument("--least", type=float, default=0.9999)
    parser.add_argument("--visavis", default="build/apps/visavis/visavis")
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("../shared"))
    arguments = parser.parse_args()

    crops = sorted(arguments.shared.resolve().glob("data/lfw/aligned/*/*.jpg"))
    crops = random.Random(0).sample(crops, min(arguments.crops, len(crops)))
    ours = {isa or "best": run_visavis(arguments.visavis, arguments.model, crops, isa)
            for isa in arguments.isa.split(",")}
    failed = False
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        theirs = run_onnxruntime(arguments.model, crops, level)
        for isa, rows in ours.items():
            norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(theirs, axis=1)
            cosines = (rows * theirs).sum(axis=1) / norms
            print(f"{level:16} visavis {isa:12} {len(crops)} crops: cosine mean {cosines.mean():.7f} "
                  f"least {cosines.min():.7f}")
            failed |= cosines.mean() < arguments.least
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
