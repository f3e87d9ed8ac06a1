"""What the scripts that compare visavis with ONNX Runtime share: both programs as functions from
arrays to arrays, and their options. Needs numpy, onnx and onnxruntime; a test-time tool only."""

import argparse
import json
import pathlib
import subprocess

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parser(description):
    """With the options --visavis, --shared and --only."""
    made = argparse.ArgumentParser(description=description,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--visavis", default=ROOT / "build/apps/visavis/visavis")
    made.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    made.add_argument("--only", default="", help="cases whose name contains this")
    return made


def visavis(options, *arguments):
    """The JSON a command prints. RuntimeError with its message if it fails."""
    done = subprocess.run([options.visavis, *map(str, arguments), "--json"], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def run_visavis(options, path, x, folder, *arguments):
    """The outputs of a model for its one input, in order; files go to `folder`."""
    np.save(folder / "input.npy", x)
    report = visavis(options, "model", "run", path, "--input", folder / "input.npy", "--output",
                     folder / "outputs", *arguments)
    return [np.load(output["file"]) for output in report["outputs"]]


def run_ort(path, x):
    """The same from ONNX Runtime, by name."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: x})))


def largest_difference(have, want):
    """The largest |a - b| by the largest |b| of any output; infinite where shapes differ."""
    if [a.shape for a in have] != [b.shape for b in want]:
        return float("inf")
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) if np.isfinite(a).all()
               else float("inf") for a, b in zip(have, want))
