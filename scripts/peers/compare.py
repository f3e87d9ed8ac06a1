"""Times visavis and the peers on the same files in alternating short rounds; called by
bench_peers.sh. Prints a Markdown table per model and can put it into docs/performance.md."""

import argparse
import datetime
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from engines import ENGINES

BEGIN, END = "<!-- bench_peers.sh: begin -->", "<!-- bench_peers.sh: end -->"
PRECISIONS = ("fp32", "bf16")
REFERENCE = "onnxruntime"


class Peer:
    """A worker.py process."""

    def __init__(self, engine, model, input_path, options):
        command = [sys.executable, pathlib.Path(__file__).with_name("worker.py"), "--engine", engine,
                   "--model", model, "--input", input_path, "--threads", str(options.threads)]
        if options.threads == 1:
            command += ["--core", str(options.core)]
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

    def __init__(self, precision, model, input_path, options):
        self.program, self.options = options.visavis, options
        self.model, self.input_path, self.precision = model, input_path, precision
        batch, _, height, width = np.load(input_path, mmap_mode="r").shape
        self.setting = ["--batch", str(batch), "--size", f"{width}x{height}"]
        self.label, self.load_ms = "**visavis**", None
        self.round(0)  # fails here if this machine lacks the precision

    def _run(self, *arguments):
        pin = ["taskset", "-c", str(self.options.core)] if self.options.threads == 1 else []
        done = subprocess.run(
            [*pin, self.program, *arguments, "--precision", self.precision, "--threads",
             str(self.options.threads), "--json"],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout)

    def round(self, seconds):
        report = self._run("bench", self.model, *self.setting, "--seconds", str(seconds))
        result = report["results"][0]
        self.load_ms = result["load_ms"] + result["create_ms"]
        return result["median_ms"]

    def outputs(self, folder):
        report = self._run("model", "run", self.model, "--input", self.input_path, "--output",
                           str(pathlib.Path(folder) / self.precision))
        return [np.load(output["file"]) for output in report["outputs"]]

    def close(self):
        pass


def start_contenders(model, input_path, options):
    contenders = {}
    makers = {f"visavis-{p}": (lambda p=p: Visavis(p, model, input_path, options))
              for p in PRECISIONS}
    makers |= {e: (lambda e=e: Peer(e, model, input_path, options))
               for e in options.engines.split(",")}
    for name, make in makers.items():
        try:
            contenders[name] = make()
        except RuntimeError as error:
            print(f"{name} cannot run {model}: {error}", file=sys.stderr)
    return contenders


def largest_difference(outputs, reference):
    """Over all outputs: largest |a - b| by largest |b|."""
    if len(outputs) != len(reference):
        return float("nan")
    return max(float(np.abs(a.ravel() - b.ravel()).max() / np.abs(b).max())
               if a.size == b.size else float("nan") for a, b in zip(outputs, reference))


def compare(model, shape, options):
    """Rows of (precision, label, median ms, load ms, largest difference)."""
    with tempfile.TemporaryDirectory() as folder:
        input_path = pathlib.Path(folder) / "input.npy"
        pixels = np.random.default_rng(0).integers(0, 256, shape)
        np.save(input_path, pixels.astype(np.float32))
        contenders = start_contenders(model, input_path, options)
        medians = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                medians[name].append(contender.round(options.seconds))
        outputs = {name: contender.outputs(folder) for name, contender in contenders.items()}
        for contender in contenders.values():
            contender.close()
    reference = outputs.get(REFERENCE)
    rows = {}
    for name, contender in contenders.items():
        difference = largest_difference(outputs[name], reference) if reference else float("nan")
        rows[name] = (contender.precision, contender.label, statistics.median(medians[name]),
                      contender.load_ms, difference)
    return rows


def markdown(title, shape, rows):
    lines = [f"### {title}, {'x'.join(map(str, shape))}", "",
             "| | arithmetic | median ms | times visavis | load ms | largest difference |",
             "|---|---|---|---|---|---|"]
    for precision in PRECISIONS:
        ours = rows.get(f"visavis-{precision}")
        for row in sorted((r for r in rows.values() if r[0] == precision), key=lambda r: r[2]):
            ratio = f"{row[2] / ours[2]:.2f}" if ours else "-"
            lines.append(f"| {row[1]} | {precision} | {row[2]:.2f} | {ratio} | {row[3]:.0f} |"
                         f" {row[4]:.1e} |")
    return "\n".join(lines) + "\n"


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return platform.processor()


def cpu_family():
    fields = dict(line.split(":", 1) for line in
                  pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines())
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    return f"family {fields['cpu family']} model {fields['model']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visavis", required=True, help="the program")
    parser.add_argument("--models", required=True,
                        help="TITLE=FILE=NxCxHxW, several separated by commas")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.7, help="per round and contender")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int, default=1, help="where single threads stay")
    parser.add_argument("--write", help="Markdown file whose table is replaced")
    options = parser.parse_args()

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            cwd=pathlib.Path(__file__).parent).stdout.strip()
    parts = [f"{datetime.date.today()}, {cpu_name()} ({cpu_family()}), {options.threads} thread(s), "
             f"commit {commit}, {options.rounds} rounds of {options.seconds} s each.\n"]
    print(parts[0])
    for entry in options.models.split(","):
        title, model, extents = entry.split("=")
        shape = tuple(int(extent) for extent in extents.split("x"))
        parts.append(markdown(title, shape, compare(model, shape, options)))
        print(parts[-1])
    if options.write:
        page = pathlib.Path(options.write)
        before, rest = page.read_text().split(BEGIN)
        after = rest.split(END)[1]
        page.write_text(before + BEGIN + "\n" + "\n".join(parts) + END + after)


if __name__ == "__main__":
    main()
