#!/usr/bin/env python3
"""Runs every model at hand and every built architecture in ONNX Runtime and in visavis, and
compares all outputs.

    scripts/compare_with_ort.py [--visavis build/apps/visavis/visavis] [--shared ../shared]
                                [--isa scalar,avx2,avx512] [--variants plain,low-memory,reference]

MXNet models are converted by `visavis model convert` first, so the conversion is checked as well:
ONNX Runtime runs the converted file, the official checker reads it, and visavis runs both the
original and the conversion. The difference of an output is the largest |a - b| by the largest |b|.
Exit code 1 if one exceeds --tolerance. Needs numpy, onnx and onnxruntime; a test-time tool only.
"""

import pathlib
import sys
import tempfile

import numpy as np
import onnx

import ort
from ort import visavis

# Model below shared/models -> input shapes. Odd sizes on purpose where the network takes any.
STORED = {
    "mobilefacenet-arcface/model-0000.params": ["1x3x112x112", "5x3x112x112"],
    "mtcnn/det1-0001.params": ["1x3x12x12", "1x3x97x130", "1x3x41x1025"],
    "mtcnn/det2-0001.params": ["1x3x24x24", "13x3x24x24"],
    "mtcnn/det3-0001.params": ["1x3x48x48", "7x3x48x48"],
    "mtcnn/det4-0001.params": ["1x15x24x24", "3x15x24x24"],
    "scrfd/scrfd_500m_bnkps.onnx": ["1x3x480x640", "1x3x96x160"],
    "scrfd/scrfd_2.5g_bnkps.onnx": ["1x3x480x640", "1x3x96x160"],
    "yunet/yunet_n_dynamic.onnx": ["1x3x480x640", "2x3x96x160"],
    "yunet/yunet_s_640_640.onnx": ["1x3x640x640"],
}
BUILT = {
    "mobilefacenet": ["1x3x112x112", "3x3x112x112"],
    "lresnet18e-ir": ["1x3x112x112"],
    "lresnet34e-ir": ["1x3x112x112"],
    "lresnet50e-ir": ["1x3x112x112"],
    "lresnet100e-ir": ["1x3x112x112", "2x3x112x112"],
}
VARIANTS = {"plain": [], "low-memory": ["--low-memory"], "reference": ["--reference"]}


def explained_difference(have, reference):
    """Outputs go by place: MXNet's have other names than their conversion's may have. Also the name
    of the worst output, or what is wrong."""
    if len(have) != len(reference):
        return float("inf"), f"{len(have)} outputs, want {len(reference)}"
    worst = (0.0, "")
    for output, (name, want) in zip(have, reference.items()):
        if output.shape != want.shape:
            return float("inf"), f"{name}: shape {output.shape}, want {want.shape}"
        worst = max(worst, (ort.largest_difference([output], [want]), name))
    return worst


def compare(options, title, sources, reference_path, shapes, folder):
    """Prints a line per case; returns the number that failed."""
    failed = 0
    onnx.checker.check_model(str(reference_path), full_check=True)
    for shape in shapes:
        extents = [int(extent) for extent in shape.split("x")]
        x = np.random.default_rng(1).integers(0, 256, extents).astype(np.float32)
        if title.startswith("mtcnn"):
            x = (x - 127.5) * 0.0078125
        reference = ort.run_ort(reference_path, x)
        for source in sources:
            for isa in options.isa.split(","):
                for variant in options.variants.split(","):
                    name = f"{title} {shape} {source.suffix} {isa or 'best'} {variant}"
                    arguments = ["--isa", isa] if isa else []
                    try:
                        have = ort.run_visavis(options, source, x, folder, "--precision",
                                               options.precision, *arguments, *VARIANTS[variant])
                        difference, where = explained_difference(have, reference)
                    except RuntimeError as error:
                        difference, where = float("inf"), str(error)
                    bad = not difference <= options.tolerance
                    failed += bad
                    print(f"{'FAIL' if bad else 'ok':<5}{difference:9.2e}  {name}  {where}",
                          flush=True)
    return failed


def main():
    parser = ort.parser(__doc__)
    parser.add_argument("--isa", default="", help="several separated by commas; default the best")
    parser.add_argument("--variants", default="plain", help=f"of {', '.join(VARIANTS)}")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name, shapes in STORED.items():
            if options.only not in name:
                continue
            path = options.shared / "models" / name
            converted = folder / "converted.onnx"
            visavis(options, "model", "convert", path, converted)
            # The original file where ONNX Runtime can read it, so that cleaning is checked too.
            reference_path = path if path.suffix == ".onnx" else converted
            failed += compare(options, name, [path, converted], reference_path, shapes, folder)
        for name, shapes in BUILT.items():
            if options.only not in name:
                continue
            built = folder / "built.onnx"
            visavis(options, "model", "build", name, "--seed", 1, "-o", built)
            failed += compare(options, name, [built], built, shapes, folder)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
