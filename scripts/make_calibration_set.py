#!/usr/bin/env python3
"""Makes a folder of aligned 112x112 crops to calibrate a face network with (visavis quantize
--calibration), of people who are not in LFW's pairs.

    scripts/make_calibration_set.py OUT [--every 4] [--first 0] [--shared ../shared]
                                    [--visavis build/apps/visavis/visavis]

The faces are all that MTCNN finds in data/photos and in the pictures --first, --first + --every, ...
of data/recordio/faces1632, so that sets of different --first share only the photos. The same
arguments give the same folder. Standard library only; a test-time tool.
"""

import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

RECORD_MAGIC = 0xCED7230A
LENGTH_BITS = 29  # of a record's second word; the three above say whether it is whole (0)
HEADER = struct.Struct("<IfQQ")  # flag, label, two ids; flag counts labels that follow


def records(path):
    """The pictures of an im2rec file (dmlc-core recordio, MXNet image_recordio.h), encoded."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        magic, word = struct.unpack_from("<II", data, at)
        length = word & ((1 << LENGTH_BITS) - 1)
        if magic != RECORD_MAGIC or word >> LENGTH_BITS or at + 8 + length > len(data):
            raise ValueError(f"{path}: no whole record at byte {at}")
        labels = HEADER.unpack_from(data, at + 8)[0]
        yield data[at + 8 + HEADER.size + 4 * labels : at + 8 + length]
        at += 8 + (length + 3) // 4 * 4


def align(program, photos, crops):
    # Exit code 1: some pictures without a face, which is expected here.
    done = subprocess.run(
        [program, "align", "--face", "all", "-o", crops, *photos],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"visavis align: exit code {done.returncode}")
    return len(list(crops.glob("*.png")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("../shared"))
    parser.add_argument("--visavis", default="build/apps/visavis/visavis")
    arguments = parser.parse_args()
    if arguments.out.exists():
        parser.error(f"{arguments.out} exists")

    photos = sorted((arguments.shared / "data/photos").iterdir())
    from_photos = align(arguments.visavis, photos, arguments.out)
    with tempfile.TemporaryDirectory() as folder:
        pictures = []
        for i, picture in enumerate(records(arguments.shared / "data/recordio/faces1632/train.rec")):
            if i % arguments.every == arguments.first:
                pictures.append(pathlib.Path(folder, f"record_{i:04}.jpg"))
                pictures[-1].write_bytes(picture)
        total = align(arguments.visavis, pictures, arguments.out)
    (arguments.out / "crops.csv").unlink()
    print(f"{arguments.out}: {from_photos} crops from {len(photos)} photos, {total - from_photos} "
          f"from {len(pictures)} of the recorded pictures")


if __name__ == "__main__":
    sys.exit(main())
