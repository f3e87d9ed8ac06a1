"""One engine with one model in a process of its own, told what to do line by line.

    round SECONDS   run for that long, answer {"ms": [...]}
    output FILE     run once, save the outputs (.npz, in order), answer {}
"""

import argparse
import json
import os
import sys
import time

import numpy as np

from engines import ENGINES


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=ENGINES, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", required=True, help=".npy")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int, help="stay on this core")
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # engines print as they like

    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    x = np.load(options.input)
    make = ENGINES[options.engine][-1]
    make.prepare(options.model, x.shape)
    start = time.perf_counter()
    engine = make(options.model, x.shape, options.threads)
    load_ms = (time.perf_counter() - start) * 1e3
    for _ in range(3):
        engine.run(x)
    print(json.dumps({"version": engine.version, "load_ms": load_ms}), file=answers, flush=True)
    for line in sys.stdin:
        command, value = line.split(maxsplit=1)
        if command == "round":
            samples, deadline = [], time.perf_counter() + float(value)
            while len(samples) < 3 or time.perf_counter() < deadline:
                start = time.perf_counter()
                engine.run(x)
                samples.append((time.perf_counter() - start) * 1e3)
            answer = {"ms": samples}
        else:
            np.savez(value.strip(), *engine.run(x))
            answer = {}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
