"""Times visavis and the peers on the same files in alternating short rounds; called by
bench_peers.sh. Prints Markdown tables and can put them into docs/performance.md and README.md."""

import argparse
import dataclasses
import datetime
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from cases import CASES
from contenders import Peer, Visavis

BEGIN, END = "<!-- bench_peers.sh: begin -->", "<!-- bench_peers.sh: end -->"
README = pathlib.Path(__file__).parents[2] / "README.md"
README_BEGIN, README_END = "<!-- speed -->", "<!-- /speed -->"
PRECISIONS = ("fp32", "fp32-high", "bf16")
REFERENCE = "onnxruntime"


@dataclasses.dataclass
class Row:
    precision: str
    label: str
    median_ms: float
    load_ms: float
    difference: float


def start_contenders(case, model, input_path, options):
    makers = {ours.name: (lambda o=ours: Visavis(options.visavis, o, model, input_path,
                                                 case.threads, options.core))
              for ours in case.ours}
    makers |= {engine: (lambda e=engine: Peer(e, model, input_path, case.threads, options.core))
               for engine in case.peers}
    contenders = {}
    for name, make in makers.items():
        try:
            contenders[name] = make()
        except RuntimeError as error:
            print(f"{name} cannot run {case.title}: {error}", file=sys.stderr)
    return contenders


def largest_difference(outputs, reference):
    """Over all outputs: largest |a - b| by largest |b|."""
    if len(outputs) != len(reference):
        return float("nan")
    return max(float(np.abs(a.ravel() - b.ravel()).max() / np.abs(b).max())
               if a.size == b.size else float("nan") for a, b in zip(outputs, reference))


def compare(case, options):
    """A Row per contender that could run."""
    model = str(options.models / case.file)
    with tempfile.TemporaryDirectory() as folder:
        input_path = pathlib.Path(folder) / "input.npy"
        pixels = np.random.default_rng(0).integers(0, 256, case.shape)
        np.save(input_path, pixels.astype(np.float32))
        contenders = start_contenders(case, model, input_path, options)
        medians = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                medians[name].append(contender.round(options.seconds))
        outputs = {name: contender.outputs(folder) for name, contender in contenders.items()}
        for contender in contenders.values():
            contender.close()
    reference = outputs.get(REFERENCE, [])
    return {name: Row(contender.precision, contender.label, statistics.median(medians[name]),
                      contender.load_ms, largest_difference(outputs[name], reference))
            for name, contender in contenders.items()}


def case_table(case, rows):
    lines = [f"### {case.title}, {'x'.join(map(str, case.shape))}", "",
             "| | arithmetic | median ms | images/s | speed by ONNX Runtime's | load ms |"
             " largest difference |",
             "|---|---|---|---|---|---|---|"]
    reference = rows.get(REFERENCE)
    for row in sorted(rows.values(), key=lambda r: (PRECISIONS.index(r.precision), r.median_ms)):
        ratio = f"{reference.median_ms / row.median_ms:.2f}" if reference else "-"
        lines.append(f"| {row.label} | {row.precision} | {row.median_ms:.2f} |"
                     f" {case.shape[0] / row.median_ms * 1e3:.1f} | {ratio} | {row.load_ms:.0f} |"
                     f" {row.difference:.1e} |")
    return "\n".join(lines) + "\n"


def goal_table(results):
    lines = ["| | visavis ms | compared with | ms | faster by | goal |", "|---|---|---|---|---|---|"]
    for case, rows in results:
        for goal in case.goals:
            if goal.faster in rows and goal.slower in rows:
                ours, other = rows[goal.faster], rows[goal.slower]
                lines.append(f"| {goal.title} | {ours.median_ms:.2f} | {other.label},"
                             f" {other.precision} | {other.median_ms:.2f} |"
                             f" **{other.median_ms / ours.median_ms:.2f}** | {goal.ratio} |")
    return "\n".join(lines) + "\n"


def readme_line(results):
    """How many times faster than ONNX Runtime visavis is."""
    return ", ".join(f"{goal.title} {rows[REFERENCE].median_ms / rows[goal.faster].median_ms:.1f}"
                     for case, rows in results for goal in case.goals
                     if goal.slower == REFERENCE and {goal.faster, REFERENCE} <= rows.keys())


def replace_between(page, begin, end, text):
    before, rest = page.read_text().split(begin)
    after = rest.split(end)[1]
    page.write_text(before + begin + text + end + after)


def cpu():
    """Name, family and model: the name alone says little on virtual machines."""
    first = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    fields = dict(line.split(":", 1) for line in first.splitlines())
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    return f"{fields['model name']} (family {fields['cpu family']} model {fields['model']})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visavis", required=True, help="the program")
    parser.add_argument("--models", required=True, type=pathlib.Path, help="folder of the files")
    parser.add_argument("--only", default="", help="cases whose title contains this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="per round and contender")
    parser.add_argument("--core", type=int, default=1, help="where single threads stay")
    parser.add_argument("--write", type=pathlib.Path, help="Markdown file to put the tables into; README.md gets the ratios")
    options = parser.parse_args()

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            cwd=pathlib.Path(__file__).parent).stdout.strip()
    load = f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} core(s)"
    results, tables = [], []
    for case in CASES:
        if options.only not in case.title:
            continue
        rows = compare(case, options)
        results.append((case, rows))
        tables.append(case_table(case, rows))
        print(tables[-1], flush=True)
    head = (f"{datetime.date.today()}, {cpu()}, commit {commit}, {options.rounds} rounds of "
            f"{options.seconds} s each, {load}.\n")
    summary = "\n".join([head, goal_table(results)])
    print(summary)
    if options.write:
        replace_between(options.write, BEGIN, END, "\n" + "\n".join([summary, *tables]))
        replace_between(README, README_BEGIN, README_END, readme_line(results))


if __name__ == "__main__":
    main()
