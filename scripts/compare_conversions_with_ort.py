#!/usr/bin/env python3
"""Converts networks with every option of `visavis model convert` and compares what ONNX Runtime and
visavis make of each file with what visavis makes of the original.

    scripts/compare_conversions_with_ort.py [--visavis build/apps/visavis/visavis]
                                            [--shared ../shared] [--only TEXT]

The official checker reads every file. The difference of an output is the largest |a - b| by the
largest |b|. Exit code 1 if one exceeds its tolerance. Needs numpy, onnx and onnxruntime; a
test-time tool only.
"""

import pathlib
import sys
import tempfile

import numpy as np
import onnx

import ort
from ort import largest_difference, run_visavis, visavis

# A walk through operator sets, each file made from the one before.
OPSETS = [11, 13, 17, 21, 17, 13, 11, 8]
# Options -> tolerance, and how the input differs.
OPTIONS = [
    (["--repair"], 1e-5, "same"),
    (["--batch", "2"], 1e-5, "same"),
    (["--reverse-input-channels"], 0, "bgr"),
    (["--reverse-input-channels=weights"], 1e-5, "bgr"),
    (["--fold-normalization"], 1e-4, "same"),
    (["--fold-normalization", "--opset", "8"], 1e-4, "same"),
    (["--unfold-normalization"], 1e-5, "normalized"),
    (["--unfold-normalization", "--mean", "127.5,127.5,127.5", "--scale", "0.0078125"], 1e-5, "same"),
    (["--fold-batchnorm"], 1e-4, "same"),
    (["--fp16"], 2e-2, "same"),
    (["--bf16"], 1e-1, "same"),
    (["--repair", "--fold-normalization", "--fold-batchnorm", "--reverse-input-channels=weights",
      "--opset", "17", "--fp16"], 2e-2, "bgr"),
]


def as_input(x, form):
    if form == "bgr":
        return np.ascontiguousarray(x[:, ::-1])
    if form == "normalized":
        return (x - np.float32(127.5)) * np.float32(0.0078125)
    return x


def check(options, title, path, x, want, tolerance, folder):
    onnx.checker.check_model(str(path), full_check=True)
    here = largest_difference(run_visavis(options, path, x, folder), want)
    there = largest_difference(list(ort.run_ort(path, x).values()), want)
    # Other kernels add in another order, whatever the file says.
    bad = not (here <= tolerance and there <= max(tolerance, 1e-5))
    print(f"{'FAIL' if bad else 'ok':<5}visavis {here:9.2e}  ONNX Runtime {there:9.2e}  {title}",
          flush=True)
    return bad


def main():
    options = ort.parser(__doc__).parse_args()

    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        built = folder / "built.onnx"
        visavis(options, "model", "build", "lresnet100e-ir", "--seed", 1, "-o", built)
        sources = {"lresnet100e-ir": built,
                   "mobilefacenet": options.shared / "models/mobilefacenet-arcface/model-0000.params"}
        x = np.random.default_rng(1).integers(0, 256, [2, 3, 112, 112]).astype(np.float32)
        for name, source in sources.items():
            if options.only not in name:
                continue
            want = run_visavis(options, source, x, folder)
            previous = source
            for opset in OPSETS:
                path = folder / f"walk{opset}.onnx"
                into = folder / "next.onnx"
                visavis(options, "model", "convert", previous, into, "--opset", opset)
                into.rename(path)
                previous = path
                failed += check(options, f"{name} opset {opset}", path, x, want, 1e-5, folder)
            for arguments, tolerance, form in OPTIONS:
                path = folder / "converted.onnx"
                visavis(options, "model", "convert", source, path, *arguments)
                failed += check(options, f"{name} {' '.join(arguments)}", path, as_input(x, form),
                                want, tolerance, folder)
        for name in ["scrfd/scrfd_500m_bnkps.onnx", "yunet/yunet_n_dynamic.onnx"]:
            source = options.shared / "models" / name
            if options.only not in name or not source.exists():
                continue
            image = np.random.default_rng(2).integers(0, 256, [1, 3, 192, 256]).astype(np.float32)
            want = run_visavis(options, source, image, folder)
            for opset in [13, 17, 21]:
                path = folder / "converted.onnx"
                visavis(options, "model", "convert", source, path, "--opset", opset)
                failed += check(options, f"{name} opset {opset}", path, image, want, 1e-4, folder)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
