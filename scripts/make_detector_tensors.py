#!/usr/bin/env python3
"""Makes a folder of .npy arrays to calibrate a detector's network with (visavis quantize
--calibration), from data/photos.

    scripts/make_detector_tensors.py OUT --network scrfd|pnet|rnet|onet [--shared ../shared]
                                     [--visavis build/apps/visavis/visavis]

scrfd: every photo and its mirror image, fitted into 320x320 and 640x640 (64 arrays). MTCNN: windows
of the faces that `visavis detect` finds, shifted and enlarged a little as the networks before would
hand them on, and as many of anything else. The same arguments give the same folder. Needs numpy and
Pillow; a test-time tool.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys

import numpy as np
from PIL import Image, ImageOps

MTCNN_SIDES = {"pnet": 48, "rnet": 24, "onet": 48}  # P-Net takes any size
WINDOWS_PER_FACE = 2


def planes(image, bgr):
    pixels = (np.asarray(image, dtype=np.float32) - 127.5) / 128
    return (pixels[:, :, ::-1] if bgr else pixels).transpose(2, 0, 1)[None].copy()


def fitted(image, side):
    scale = side / max(image.size)
    canvas = Image.new("RGB", (side, side))
    canvas.paste(image.resize([max(1, int(extent * scale)) for extent in image.size],
                              Image.BILINEAR))
    return canvas


def scrfd_inputs(photos):
    for path in photos:
        image = Image.open(path).convert("RGB")
        for side in (320, 640):
            for turned in (image, ImageOps.mirror(image)):
                yield planes(fitted(turned, side), bgr=False)


def mtcnn_inputs(photos, side, program):
    draw = random.Random(0)
    found = subprocess.run([program, "detect", "--json", *photos], check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for photo in json.loads(found.stdout)["photos"]:
        image = Image.open(photo["path"]).convert("RGB")
        for face in photo["faces"]:
            x1, y1, x2, y2 = face["box"]
            windows = []
            for _ in range(WINDOWS_PER_FACE):
                length = max(x2 - x1, y2 - y1) * draw.uniform(0.9, 1.4)
                windows.append(((x1 + x2) / 2 + length * draw.uniform(-0.15, 0.15),
                                (y1 + y2) / 2 + length * draw.uniform(-0.15, 0.15), length))
                length = draw.uniform(12, min(image.size))
                windows.append((draw.uniform(0, image.width), draw.uniform(0, image.height),
                                length))
            for x, y, length in windows:
                box = [round(v) for v in (x - length / 2, y - length / 2, x + length / 2,
                                          y + length / 2)]
                yield planes(image.crop(box).resize((side, side), Image.BILINEAR), bgr=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--network", choices=["scrfd", *MTCNN_SIDES], required=True)
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("../shared"))
    parser.add_argument("--visavis", default="build/apps/visavis/visavis")
    arguments = parser.parse_args()

    photos = sorted((arguments.shared / "data/photos").iterdir())
    if arguments.network == "scrfd":
        inputs = scrfd_inputs(photos)
    else:
        inputs = mtcnn_inputs(photos, MTCNN_SIDES[arguments.network], arguments.visavis)
    arguments.out.mkdir()
    count = 0
    for count, array in enumerate(inputs, 1):
        np.save(arguments.out / f"{count:04}.npy", array)
    print(f"{arguments.out}: {count} arrays")


if __name__ == "__main__":
    sys.exit(main())
