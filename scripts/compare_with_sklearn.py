#!/usr/bin/env python3
"""Checks a report of `visavis evaluate` against scikit-learn and SciPy.

    visavis evaluate DATA --pairs-out pairs.csv --json > report.json
    scripts/compare_with_sklearn.py report.json pairs.csv

Recomputes AUC, EER, TAR@FMR, 10-fold accuracy and every interval from the pairs file. For testing only; exits 77 (skipped) if
scikit-learn is not installed."""
import csv
import json
import sys

try:
    import numpy as np
    from scipy import stats
    from sklearn.metrics import roc_auc_score, roc_curve
    from sklearn.model_selection import KFold
except ImportError as error:
    print(f"SKIPPED: {error}; python3 -m venv V && V/bin/pip install scikit-learn", file=sys.stderr)
    sys.exit(77)


def wilson(k, n):
    interval = stats.binomtest(int(k), int(n)).proportion_ci(0.95, "wilson")
    return interval.low, interval.high


def clopper_pearson(k, n):
    interval = stats.binomtest(int(k), int(n)).proportion_ci(0.95, "exact")
    return interval.low, interval.high


def main():
    report = json.load(open(sys.argv[1]))
    rows = list(csv.DictReader(open(sys.argv[2])))
    worst = 0.0

    def check(what, ours, theirs, tolerance):
        nonlocal worst
        gap = abs(ours - theirs)
        worst = max(worst, gap / tolerance)
        print(f"{'ok' if gap <= tolerance else 'DIFFERS':8} {what}: {ours:.9f} and {theirs:.9f}")

    for result in report["results"]:
        measured = result["verification"]
        label = result["label"]
        scored = [row for row in rows if row[label + " similarity"]]
        similarity = np.array([float(row[label + " similarity"]) for row in scored])
        same = np.array([row["same"] == "1" for row in scored])
        check(f"{label}: AUC", measured["auc"]["value"], roc_auc_score(same, similarity), 1e-7)
        fpr, tpr, _ = roc_curve(same, similarity, drop_intermediate=False)
        gap = 1 - tpr - fpr
        at = int(np.argmax(gap <= 0))
        share = gap[at - 1] / (gap[at - 1] - gap[at])
        check(f"{label}: EER", measured["eer"]["value"], fpr[at - 1] + share * (fpr[at] - fpr[at - 1]), 1e-7)
        for point in measured["points"]:
            allowed = fpr <= point["target_fmr"] * (1 + 1e-12)
            check(f"{label}: TAR@FMR={point['target_fmr']:g}", point["tar"]["value"], tpr[allowed].max(), 1e-9)
            for side, interval in ((0, "low"), (1, "high")):
                check(f"  Wilson {interval}", point["tar"]["interval"][side],
                      wilson(point["true_accepts"], same.sum())[side], 1e-9)
                check(f"  Clopper-Pearson {interval}", point["fmr"]["interval"][side],
                      clopper_pearson(point["false_accepts"], (~same).sum())[side], 1e-9)
        protocol = next((p for p in measured["protocols"] if p["protocol"] == "k-fold"), None)
        if protocol and len(scored) == len(rows):
            distance = 2 - 2 * similarity
            grid = np.arange(0, 4, 0.01)
            accuracies = []
            for train, test in KFold(len(protocol["folds"])).split(distance):
                accuracy = [np.mean((distance[train] < t) == same[train]) for t in grid]
                accuracies.append(np.mean((distance[test] < grid[int(np.argmax(accuracy))]) == same[test]))
            # A similarity of 9 digits can fall on the other side of a cut: one pair.
            check(f"{label}: k-fold", protocol["mean"], np.mean(accuracies), 1 / len(scored) + 1e-9)
    print("all agree" if worst <= 1 else "DIFFERENCES")
    return 0 if worst <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
