#!/usr/bin/env python3
"""Writes tests/golden/detector_outputs.json: what ONNX Runtime computes from the detector networks.

Needs opencv-python, numpy and onnxruntime, and the shared models and photos (VISAVIS_SHARED).
The input is a 640x480 crop of a photo at full size, so that only JPEG decoding stands before it;
`pixel_sum` tells a difference in decoding from one in the networks.
"""
import json
import os
import pathlib

import cv2
import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("VISAVIS_SHARED", ROOT.parent / "shared"))
PHOTO = "data/photos/t1.jpg"
CROP = {"x": 300, "y": 100, "width": 640, "height": 480}
# Preprocessing of each family: value = (pixel - mean) * scale, in this order of channels.
NETWORKS = [
    {"model": "models/scrfd/scrfd_500m_bnkps.onnx", "mean": 127.5, "scale": 1 / 128, "bgr": False},
    {"model": "models/scrfd/scrfd_2.5g_bnkps.onnx", "mean": 127.5, "scale": 1 / 128, "bgr": False},
    {"model": "models/yunet/yunet_n_dynamic.onnx", "mean": 0.0, "scale": 1.0, "bgr": True},
    {"model": "models/yunet/yunet_s_640_640.onnx", "mean": 0.0, "scale": 1.0, "bgr": True,
     "pad_height": 640},
]
SAMPLES = 40


def network_input(bgr, network):
    pixels = bgr if network["bgr"] else bgr[:, :, ::-1]
    values = (pixels.astype(np.float32) - np.float32(network["mean"])) * np.float32(network["scale"])
    if "pad_height" in network:
        rows = network["pad_height"] - values.shape[0]
        values = np.pad(values, ((0, rows), (0, 0), (0, 0)))
    return np.ascontiguousarray(values.transpose(2, 0, 1))[None]


def describe(name, values):
    flat = values.astype(np.float64).ravel()
    # Samples spread evenly, and the largest: on faces, where the interesting numbers are.
    picks = sorted({*np.linspace(0, flat.size - 1, SAMPLES // 2).astype(int).tolist(),
                    *np.argsort(-np.abs(flat))[:SAMPLES // 2].tolist()})
    return {"name": name, "shape": list(values.shape), "sum": float(flat.sum()),
            "sum_of_magnitudes": float(np.abs(flat).sum()), "largest": float(np.abs(flat).max()),
            "samples": [[i, float(f"{flat[i]:.8g}")] for i in picks]}


def main():
    photo = cv2.imread(str(SHARED / PHOTO), cv2.IMREAD_COLOR)
    crop = photo[CROP["y"]:CROP["y"] + CROP["height"], CROP["x"]:CROP["x"] + CROP["width"]]
    golden = {"photo": PHOTO, "crop": CROP, "pixel_sum": int(crop.astype(np.int64).sum()),
              "onnxruntime": onnxruntime.__version__, "networks": []}
    for network in NETWORKS:
        session = onnxruntime.InferenceSession(str(SHARED / network["model"]),
                                               providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]
        outputs = session.run(names, {session.get_inputs()[0].name: network_input(crop, network)})
        golden["networks"].append(
            {**network, "outputs": [describe(n, v) for n, v in zip(names, outputs)]})
    path = ROOT / "tests/golden/detector_outputs.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden, indent=None, separators=(",", ":")).replace(
        '{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
