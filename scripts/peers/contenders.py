"""visavis and the other engines behind one interface: rounds of runs, and outputs."""

import json
import pathlib
import statistics
import subprocess
import sys

import numpy as np

from engines import ENGINES


class Peer:
    """A worker.py process."""

    def __init__(self, engine, model, input_path, threads, core):
        command = [sys.executable, pathlib.Path(__file__).with_name("worker.py"), "--engine", engine,
                   "--model", model, "--input", input_path, "--threads", str(threads)]
        if threads == 1:
            command += ["--core", str(core)]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        label, self.precision = ENGINES[engine][:2]
        ready = self._answer()
        self.label = label.format(ready["version"])
        self.load_ms = ready["load_ms"]

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"ended with {self.process.wait()}")
        return json.loads(line)

    def _ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._answer()

    def round(self, seconds):
        return statistics.median(self._ask(f"round {seconds}")["ms"])

    def outputs(self, folder):
        path = pathlib.Path(folder) / "peer.npz"
        self._ask(f"output {path}")
        with np.load(path) as arrays:
            return [arrays[name] for name in arrays]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Visavis:
    """A `visavis bench` process per round."""

    def __init__(self, program, setting, model, input_path, threads, core):
        self.model, self.input_path, self.setting = model, input_path, setting
        threads = setting.threads or threads
        batch, _, height, width = np.load(input_path, mmap_mode="r").shape
        self.command = (["taskset", "-c", str(core)] if threads == 1 else []) + [program]
        self.extents = ["--batch", str(batch), "--size", f"{width}x{height}"]
        self.options = ["--precision", setting.precision, "--threads", str(threads), "--json"]
        if setting.low_memory:
            self.options.append("--low-memory")
        self.label, self.precision, self.load_ms = setting.label, setting.precision, None
        self.round(0)  # fails here if this machine lacks the precision

    def _run(self, *arguments):
        done = subprocess.run([*self.command, *arguments, *self.options], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout)

    def round(self, seconds):
        result = self._run("bench", self.model, *self.extents, "--seconds",
                           str(seconds))["results"][0]
        self.load_ms = result["load_ms"] + result["create_ms"]
        return result["median_ms"]

    def outputs(self, folder):
        report = self._run("model", "run", self.model, "--input", self.input_path, "--output",
                           str(pathlib.Path(folder) / self.setting.name))
        return [np.load(output["file"]) for output in report["outputs"]]

    def close(self):
        pass
