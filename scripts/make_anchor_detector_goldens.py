#!/usr/bin/env python3
"""Writes tests/golden/anchor_detections.json: faces that SCRFD and YuNet find in a few photos.

An implementation of docs/detectors.md apart from visavis: OpenCV reads and resizes, ONNX Runtime runs
the networks, numpy does the rest. Needs opencv-python, numpy and onnxruntime, and the shared models
and photos (VISAVIS_SHARED). Photos are small enough that no level is cut into tiles.
"""
import json
import math
import os
import pathlib

import cv2
import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("VISAVIS_SHARED", ROOT.parent / "shared"))
PHOTOS = ["2008_002470.jpg", "2009_004587.jpg", "Tom_Hanks_54745.png", "t1.jpg"]
DETECTORS = [
    {"model": "models/scrfd/scrfd_500m_bnkps.onnx", "family": "scrfd", "score": 0.5, "overlap": 0.4},
    {"model": "models/scrfd/scrfd_2.5g_bnkps.onnx", "family": "scrfd", "score": 0.5, "overlap": 0.4},
    {"model": "models/yunet/yunet_n_dynamic.onnx", "family": "yunet", "score": 0.6, "overlap": 0.3},
]
MIN_SIZE = 20.0
SMALLEST, LARGEST, STEP, SHARED_SIZES = 20.0, 320.0, 4.0, 1.25
STRIDES = (8, 16, 32)


def plan(width, height):
    """(width, height, least face, largest face) of each level."""
    finest = SMALLEST / MIN_SIZE
    coarsest = min(finest, LARGEST / max(width, height))
    steps = max(0, math.ceil(math.log(finest / coarsest) / math.log(STEP) - 1e-9))
    ratio = (finest / coarsest) ** (1 / steps) if steps else 1.0
    levels = []
    for i in range(steps + 1):
        scale = finest / ratio**i
        least = MIN_SIZE * scale if i == 0 else LARGEST / (ratio * SHARED_SIZES)
        largest = math.inf if i == steps else LARGEST * SHARED_SIZES
        levels.append((round(width * scale), round(height * scale), least, largest))
    return levels


def run(session, family, bgr):
    """Every anchor of one padded picture: scores n, boxes n x 4, landmarks n x 5 x 2."""
    height, width = (-(-side // 32) * 32 for side in bgr.shape[:2])
    padded = np.zeros((height, width, 3), np.float32)
    padded[:bgr.shape[0], :bgr.shape[1]] = bgr
    if family == "scrfd":
        padded = (padded[:, :, ::-1] - np.float32(127.5)) / np.float32(128)
    outputs = session.run(None, {session.get_inputs()[0].name:
                                 np.ascontiguousarray(padded.transpose(2, 0, 1))[None]})
    rows = [o.reshape(-1, o.shape[-1]) for o in outputs]
    scores, boxes, landmarks = [], [], []
    for k, stride in enumerate(STRIDES):
        y, x = np.mgrid[:height // stride, :width // stride]
        anchors = np.stack([x, y], -1).reshape(-1, 2).astype(np.float32) * stride
        if family == "scrfd":
            anchors = anchors.repeat(2, axis=0)
            score, box, points = rows[k][:, 0], rows[k + 3] * stride, rows[k + 6] * stride
            boxes.append(np.hstack([anchors - box[:, :2], anchors + box[:, 2:]]))
        else:
            score = np.sqrt(rows[k][:, 0] * rows[k + 3][:, 0])
            box, points = rows[k + 6], rows[k + 9] * stride
            centre, size = anchors + box[:, :2] * stride, np.exp(box[:, 2:]) * stride
            boxes.append(np.hstack([centre - size / 2, centre + size / 2]))
        scores.append(score)
        landmarks.append(anchors[:, None] + points.reshape(-1, 5, 2))
    return np.concatenate(scores), np.concatenate(boxes), np.concatenate(landmarks)


def overlap(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(w, 0) * max(h, 0)
    area = lambda c: (c[2] - c[0] + 1) * (c[3] - c[1] + 1)
    return shared / (area(a) + area(b) - shared)


def detect(session, detector, photo):
    found = []
    picture = photo
    for width, height, least, largest in plan(photo.shape[1], photo.shape[0]):
        if (width, height) != picture.shape[1::-1]:
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        scale = np.array([width / photo.shape[1], height / photo.shape[0]])
        to_photo = lambda p: (p + 0.5) / scale - 0.5
        scores, boxes, landmarks = run(session, detector["family"], picture)
        for i in np.flatnonzero(scores >= detector["score"]):
            side = max(boxes[i][2] - boxes[i][0], boxes[i][3] - boxes[i][1])
            if least <= side <= largest:
                found.append((float(scores[i]), to_photo(boxes[i].reshape(2, 2)).ravel(),
                              to_photo(landmarks[i])))
    kept = []
    for face in sorted(found, key=lambda f: -f[0]):
        if all(overlap(face[1], other[1]) <= detector["overlap"] for other in kept):
            kept.append(face)
    return kept


def main():
    golden = {"onnxruntime": onnxruntime.__version__, "opencv": cv2.__version__, "detectors": []}
    for detector in DETECTORS:
        session = onnxruntime.InferenceSession(str(SHARED / detector["model"]),
                                               providers=["CPUExecutionProvider"])
        photos = {}
        for name in PHOTOS:
            photo = cv2.imread(str(SHARED / "data/photos" / name), cv2.IMREAD_COLOR)
            photos[name] = [{"score": round(score, 5),
                             "box": [round(float(v), 3) for v in box],
                             "landmarks": [[round(float(v), 3) for v in p] for p in points]}
                            for score, box, points in detect(session, detector, photo)]
        golden["detectors"].append({"model": detector["model"], "photos": photos})
    path = ROOT / "tests/golden/anchor_detections.json"
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('{"score"', '\n{"score"') + "\n")


if __name__ == "__main__":
    main()
