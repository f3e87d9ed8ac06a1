// The plots. Each function gives {element, mark(point)}: `mark` moves the threshold's mark without
// drawing the rest again.
import {
  axisX, axisY, dot, gridX, gridY, line, link, plot, pointer, rectY, ruleX, ruleY, text, tip,
} from "@observablehq/plot";
import { svg } from "./dom.js";
import { count, figureName, percent, rate, similarity, smallPercent } from "./format.js";

export const kMargin = { left: 58, right: 16 };
const kDashes = ["none", "7 3", "2 3", "9 3 2 3"];

export const resultColour = (index) => `var(--result-${index % 6})`;
export const resultDash = (index) => kDashes[index % kDashes.length];

// Everything the plots share: size, fonts, words for screen readers.
function frame(label, width, height, options) {
  const figure = plot({
    width,
    height,
    marginLeft: kMargin.left,
    marginRight: kMargin.right,
    marginTop: 28,
    marginBottom: 46,
    ariaLabel: label,
    style: { fontFamily: "inherit", fontSize: "12px", overflow: "hidden" },
    ...options,
  });
  figure.setAttribute("role", "img");
  return figure;
}

// Powers of ten inside a domain.
function decades([low, high]) {
  const ticks = [];
  for (let e = Math.ceil(Math.log10(low) - 1e-9); e <= Math.log10(high) + 1e-9; ++e) ticks.push(10 ** e);
  return ticks;
}

function logAxes(xDomain, xLabel, narrow) {
  const ticks = decades(xDomain);
  return [
    gridX(ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
    axisX(ticks, { tickFormat: rate, label: xLabel, labelAnchor: "center", labelArrow: "none", tickSize: 4, labelOffset: narrow ? 36 : 38 }),
  ];
}

/** Smallest FMR above 0 that the results can show, and where the rule of three starts. */
export function fmrScale(results) {
  const impostors = results.map((r) => r.verification.impostor).filter((n) => n > 0);
  const most = Math.max(1, ...impostors);
  return { domain: [10 ** Math.floor(Math.log10(1 / most) + 1e-9), 1], limit: 3 / most };
}

const tipText = (d) =>
  `${d.label}\nsimilarity ≥ ${similarity(d.threshold)}\nFMR ${smallPercent(d.fmr)} (${count(d.falseAccepts)})\nTAR ${percent(d.tar)} (${count(d.trueAccepts)})`;

// A dot and two hair lines at (x, y) of a figure with scales; returns how to move them.
function mover(figure, toXY) {
  const x = figure.scale("x");
  const y = figure.scale("y");
  const bounds = { x: x.range, y: y.range };
  const vertical = svg("line", { class: "mark-line", y1: bounds.y[0], y2: bounds.y[1] });
  const horizontal = svg("line", { class: "mark-line", x1: bounds.x[0], x2: bounds.x[1] });
  const point = svg("circle", { class: "mark-dot", r: 5 });
  const group = svg("g", { "aria-hidden": "true", "pointer-events": "none" }, vertical, horizontal, point);
  figure.append(group);
  return (at) => {
    const [vx, vy] = toXY(at);
    const visible = vx !== null && vy !== null && vx >= x.domain[0] && vx <= x.domain.at(-1);
    group.style.display = visible ? "" : "none";
    if (!visible) return;
    const px = x.apply(vx);
    const py = y.apply(vy);
    for (const l of ["x1", "x2"]) vertical.setAttribute(l, px);
    for (const l of ["y1", "y2"]) horizontal.setAttribute(l, py);
    point.setAttribute("cx", px);
    point.setAttribute("cy", py);
  };
}

function curves(series, channels, selected) {
  return series.map(({ index, points }) =>
    line(points, {
      ...channels,
      curve: "step-after",
      stroke: resultColour(index),
      strokeWidth: index === selected ? 2.4 : 1.6,
      strokeDasharray: resultDash(index),
      clip: true,
    }),
  );
}

/** ROC: TAR over log FMR. `series`: [{index, points}]. */
export function rocChart(series, scale, selected, width) {
  const shown = series.map(({ index, points }) => ({ index, points: points.filter((p) => p.fmr > 0) }));
  const lowest = Math.min(0.99, ...shown.filter((s) => s.points.length).map((s) => s.points[0].tar));
  const step = lowest > 0.9 ? 0.02 : 0.1;
  const floor = Math.max(0, Math.floor((lowest - step / 4) / step) * step);
  const flat = shown.flatMap((s) => s.points);
  const figure = frame("ROC: true accept rate over false match rate, logarithmic", width, chartHeight(width), {
    x: { type: "log", domain: scale.domain },
    y: { domain: [floor, 1] },
    marks: [
      rectUnsupported(scale, floor, 1),
      gridY({ ticks: 6, stroke: "var(--grid)", strokeOpacity: 1 }),
      ...logAxes(scale.domain, "False match rate (log scale)", width < 420),
      axisY({ tickFormat: (v) => percent(v, step < 0.1 ? 1 : 0), label: "True accept rate", labelArrow: "none", labelAnchor: "top", labelOffset: kMargin.left - 4, tickSize: 4, ticks: 6 }),
      ...curves(shown, { x: "fmr", y: "tar" }, selected),
      tip(flat, pointer({ x: "fmr", y: "tar", title: tipText, maxRadius: 40, fontSize: 12 })),
    ],
  });
  return { element: figure, mark: mover(figure, (p) => [p.fmr > 0 ? p.fmr : null, p.tar >= floor ? p.tar : null]) };
}

/** DET: FNMR over FMR, both logarithmic. */
export function detChart(series, scale, selected, width) {
  const shown = series.map(({ index, points }) => ({
    index,
    points: points.filter((p) => p.fmr > 0 && p.tar < 1).map((p) => ({ ...p, fnmr: 1 - p.tar })),
  }));
  const flat = shown.flatMap((s) => s.points);
  const smallest = Math.min(0.1, ...flat.map((p) => p.fnmr));
  const largest = Math.max(...flat.map((p) => p.fnmr), smallest * 10);
  const domain = [10 ** Math.floor(Math.log10(smallest) + 1e-9), 10 ** Math.ceil(Math.log10(Math.min(1, largest)) - 1e-9)];
  const low = Math.max(scale.domain[0], domain[0]);
  const high = Math.min(1, domain[1]);
  const figure = frame("DET: false non-match rate over false match rate, both logarithmic", width, chartHeight(width), {
    x: { type: "log", domain: scale.domain },
    y: { type: "log", domain },
    marks: [
      rectUnsupported(scale, domain[0], domain[1]),
      gridY(decades(domain), { stroke: "var(--grid)", strokeOpacity: 1 }),
      ...logAxes(scale.domain, "False match rate (log scale)", width < 420),
      axisY(decades(domain), { tickFormat: rate, label: "False non-match rate (log scale)", labelArrow: "none", labelAnchor: "top", labelOffset: kMargin.left - 4, tickSize: 4 }),
      low < high && link([0], { x1: low, y1: low, x2: high, y2: high, stroke: "var(--muted)", strokeDasharray: "1 4", strokeLinecap: "round" }),
      low < high && text([(low * high) ** 0.5], { x: (v) => v, y: (v) => v, text: () => "FMR = FNMR", dx: 8, dy: 10, textAnchor: "start", fill: "var(--muted)" }),
      ...curves(shown, { x: "fmr", y: "fnmr" }, selected),
      tip(flat, pointer({ x: "fmr", y: "fnmr", title: tipText, maxRadius: 40, fontSize: 12 })),
    ].filter(Boolean),
  });
  return { element: figure, mark: mover(figure, (p) => [p.fmr > 0 ? p.fmr : null, p.tar < 1 ? Math.max(1 - p.tar, domain[0]) : null]) };
}

// Left of the rule of three, an FMR cannot be told from 0.
function rectUnsupported(scale, y1, y2) {
  if (!(scale.limit > scale.domain[0])) return null;
  return rectY([0], {
    x1: scale.domain[0], x2: Math.min(1, scale.limit), y1, y2, fill: "var(--unsupported)", ariaHidden: "true",
  });
}

const chartHeight = (width) => Math.round(Math.min(400, Math.max(270, width * 0.7)));

/** The part of [low, high] that holds pairs, with some room: [low, high]. */
export function histogramDomain(histogram) {
  const n = histogram.genuine.length;
  const used = [...Array(n).keys()].filter((i) => histogram.genuine[i] + histogram.impostor[i] > 0);
  if (used.length === 0) return [histogram.low, histogram.high];
  const edge = (i) => histogram.low + ((histogram.high - histogram.low) * i) / n;
  return [
    Math.max(histogram.low, Math.floor(edge(used[0]) * 20 - 0.5) / 20),
    Math.min(histogram.high, Math.ceil(edge(used.at(-1) + 1) * 20 + 0.5) / 20),
  ];
}

/** Similarities of both classes, each as a share of its own class. */
export function histogramChart(verification, domain, logarithmic, width) {
  const { low, high, genuine, impostor } = verification.histogram;
  const n = genuine.length;
  const edge = (i) => low + ((high - low) * i) / n;
  const bars = (counts, total) =>
    counts
      .map((c, i) => ({ x1: edge(i), x2: edge(i + 1), count: c, share: total > 0 ? c / total : 0 }))
      .filter((bar) => bar.count > 0 && bar.x2 > domain[0] && bar.x1 < domain[1]);
  const same = bars(genuine, verification.genuine);
  const different = bars(impostor, verification.impostor);
  const most = Math.max(1e-6, ...same.map((b) => b.share), ...different.map((b) => b.share));
  const least = Math.min(most, ...same.map((b) => b.share), ...different.map((b) => b.share));
  const floor = logarithmic ? 10 ** Math.floor(Math.log10(least) - 1e-9) : 0;
  const yDomain = [floor, logarithmic ? 10 ** Math.ceil(Math.log10(most) + 1e-9) : most * 1.06];
  const rect = (data, colour) =>
    rectY(data, { x1: "x1", x2: "x2", y1: () => floor, y2: "share", fill: colour, fillOpacity: 0.55, inset: 0, clip: true });
  const figure = frame(
    "Histogram of similarities: same-person pairs and pairs of different people, each as a share of its class",
    width,
    Math.round(Math.min(330, Math.max(230, width * 0.45))),
    {
      marginBottom: 44,
      x: { domain },
      y: { type: logarithmic ? "log" : "linear", domain: yDomain },
      marks: [
        logarithmic ? gridY(decades(yDomain), { stroke: "var(--grid)", strokeOpacity: 1 }) : gridY({ ticks: 5, stroke: "var(--grid)", strokeOpacity: 1 }),
        rect(different, "var(--impostor)"),
        rect(same, "var(--genuine)"),
        axisX({ label: "Similarity (cosine)", labelArrow: "none", labelAnchor: "center", tickSize: 4, ticks: width < 420 ? 5 : 9 }),
        logarithmic
          ? axisY(decades(yDomain), { tickFormat: rate, label: "Share of class (log scale)", labelArrow: "none", labelAnchor: "top", labelOffset: kMargin.left - 4, tickSize: 4 })
          : axisY({ tickFormat: (v) => percent(v, most < 0.05 ? 1 : 0), label: "Share of class", labelArrow: "none", labelAnchor: "top", labelOffset: kMargin.left - 4, tickSize: 4, ticks: 5 }),
        ruleY([floor], { stroke: "var(--ink)" }),
      ],
    },
  );
  const x = figure.scale("x");
  const y = figure.scale("y");
  const rule = svg("line", { class: "threshold-line", y1: y.range[0], y2: y.range[1] });
  figure.append(rule);
  return {
    element: figure,
    mark: ({ threshold }) => {
      const at = x.apply(Math.min(domain[1], Math.max(domain[0], threshold)));
      rule.setAttribute("x1", at);
      rule.setAttribute("x2", at);
    },
  };
}

/** CMC: share of mated probes found within rank k. `series`: [{index, label, cmc}]. */
export function cmcChart(series, width) {
  const points = series.flatMap(({ index, label, cmc }) => cmc.map((share, k) => ({ index, label, rank: k + 1, share })));
  const lowest = Math.min(0.98, ...points.map((p) => p.share));
  const floor = Math.max(0, Math.floor(lowest * 20 - 0.2) / 20);
  const ranks = Math.max(2, ...points.map((p) => p.rank));
  const figure = frame("CMC: share of mated probes whose mate is within the rank", width, chartHeight(width) * 0.8, {
    x: { domain: [1, ranks] },
    y: { domain: [floor, 1] },
    marks: [
      gridY({ ticks: 6, stroke: "var(--grid)", strokeOpacity: 1 }),
      axisX({ label: "Rank", labelArrow: "none", labelAnchor: "center", tickSize: 4, ticks: Math.min(ranks, 10), tickFormat: "d" }),
      axisY({ tickFormat: (v) => percent(v, 0), label: "Mated probes within the rank", labelArrow: "none", labelAnchor: "top", labelOffset: kMargin.left - 4, tickSize: 4, ticks: 6 }),
      ...series.map(({ index, cmc }) =>
        line(cmc.map((share, k) => ({ rank: k + 1, share })), {
          x: "rank", y: "share", stroke: resultColour(index), strokeWidth: 2, strokeDasharray: resultDash(index), marker: ranks <= 20 ? "dot" : null, clip: true,
        }),
      ),
      tip(points, pointer({ x: "rank", y: "share", title: (d) => `${d.label}\nrank ${d.rank}: ${percent(d.share)}`, maxRadius: 40, fontSize: 12 })),
    ],
  });
  return { element: figure, mark: () => {} };
}

/** Paired differences with their intervals, in percentage points. */
export function differenceChart(figures, width) {
  const rows = figures.filter((f) => f.interval !== null);
  const reach = Math.max(0.01, ...rows.flatMap((f) => f.interval.map((v) => Math.abs(v) * 100)));
  const colour = (f) => `var(--${f.verdict})`;
  const name = (f) => figureName(f.figure);
  const marginLeft = 120;
  const figure = frame("Differences with their intervals", width, 68 + rows.length * 30, {
    marginLeft,
    marginTop: 18,
    x: { domain: [-reach * 1.1, reach * 1.1] },
    y: { type: "point", domain: rows.map((f) => figureName(f.figure)) },
    marks: [
      ruleX([0], { stroke: "var(--ink)" }),
      axisX({ label: width < 420 ? "Points (right: better)" : "Difference in percentage points (right: better)", labelArrow: "none", labelAnchor: "center", tickSize: 4, ticks: 5 }),
      axisY({ label: null, tickSize: 0 }),
      link(rows, { x1: (f) => f.interval[0] * 100, x2: (f) => f.interval[1] * 100, y1: name, y2: name, stroke: colour, strokeWidth: 3, strokeLinecap: "round" }),
      dot(rows, { x: (f) => f.difference * 100, y: name, r: 5, fill: colour }),
    ],
  });
  return { element: figure, mark: () => {} };
}
