// The threshold slider, the counts at its place, and the histogram above it.
import { histogramChart, histogramDomain, kMargin } from "./charts.js";
import { countsAt } from "./curve.js";
import { h } from "./dom.js";
import { count, interval, percent, rate, similarity, smallPercent, wilson } from "./format.js";
import { drawn } from "./layout.js";

const kStep = 0.001;

/** Thresholds worth jumping to: [{name, value}]. */
function landmarks(verification, system) {
  const places = [];
  if (system?.threshold) places.push({ name: "the system\u2019s own", value: system.threshold.similarity });
  for (const point of verification.points.filter((p) => p.supported)) {
    places.push({ name: `FMR ${rate(point.target_fmr)}`, value: point.threshold });
  }
  return places;
}

/** `onChange(point)` is called with the exact point of the curve whenever the threshold moves. */
export function explorer(result, points, system, onChange) {
  const { verification } = result;
  const domain = histogramDomain(verification.histogram);
  const places = landmarks(verification, system);
  const own = places[0]?.value ?? (domain[0] + domain[1]) / 2;
  let logarithmic = false;
  let current = null;

  const slider = h("input", {
    type: "range", id: "threshold", min: domain[0].toFixed(3), max: domain[1].toFixed(3), step: kStep,
    input: () => moveTo(Number(slider.value)),
  });
  const number = h("input", {
    type: "number", id: "threshold-number", min: -1, max: 1, step: kStep, inputmode: "decimal",
    change: () => Number.isFinite(number.valueAsNumber) && moveTo(number.valueAsNumber),
  });
  const cells = new Map();
  const cell = (name, kind) => {
    const value = h("span", { class: "value", id: `count-${name}` });
    const share = h("span", { class: "share" });
    cells.set(name, { value, share });
    return h("td", { class: kind }, value, share);
  };
  const confusion = h(
    "table",
    { class: "confusion" },
    h("caption", null, "Decisions at this threshold"),
    h("thead", null, h("tr", null, h("td", null), h("th", { scope: "col" }, "accepted"), h("th", { scope: "col" }, "rejected"))),
    h(
      "tbody",
      null,
      h("tr", null, h("th", { scope: "row" }, h("i", { class: "swatch genuine" }), "same person"), cell("true-accepts", "right"), cell("false-rejects", "wrong")),
      h("tr", null, h("th", { scope: "row" }, h("i", { class: "swatch impostor" }), "different people"), cell("false-accepts", "wrong"), cell("true-rejects", "right")),
    ),
  );
  const rates = new Map();
  const rateRow = (name, title) => {
    const value = h("dd", { id: `rate-${name}` });
    rates.set(name, value);
    return h("div", null, h("dt", null, title), value);
  };
  const exact = h("p", { class: "note" });
  const logBox = h("input", {
    type: "checkbox", id: "log-counts",
    change: () => {
      logarithmic = logBox.checked;
      histogram.redraw();
    },
  });
  const histogram = drawn((width) => histogramChart(verification, domain, logarithmic, width), () => current);

  function moveTo(wanted) {
    current = countsAt(points, wanted);
    const { genuine, impostor } = verification;
    const { falseAccepts, trueAccepts } = current;
    const falseRejects = genuine - trueAccepts;
    const trueRejects = impostor - falseAccepts;
    const fill = (name, value, total) => {
      cells.get(name).value.textContent = count(value);
      cells.get(name).share.textContent = total > 0 ? smallPercent(value / total) : "";
    };
    fill("true-accepts", trueAccepts, genuine);
    fill("false-rejects", falseRejects, genuine);
    fill("false-accepts", falseAccepts, impostor);
    fill("true-rejects", trueRejects, impostor);
    const say = (name, successes, total) =>
      rates.get(name).replaceChildren(
        total > 0 ? percent(successes / total) : "no such pairs",
        h("small", null, total > 0 ? interval(wilson(successes, total)) : ""),
      );
    say("fmr", falseAccepts, impostor);
    say("tar", trueAccepts, genuine);
    say("accuracy", trueAccepts + trueRejects, genuine + impostor);
    slider.value = wanted;
    number.value = wanted.toFixed(3);
    slider.setAttribute(
      "aria-valuetext",
      `similarity ${wanted.toFixed(3)}: ${count(falseAccepts)} false accepts, ${count(falseRejects)} false rejects`,
    );
    exact.textContent = `Counts are exact for similarity \u2265 ${similarity(Math.min(1, current.threshold))}, the nearest cut of the curve.`;
    histogram.mark(current);
    onChange(current);
  }

  const element = h(
    "div",
    { class: "explorer" },
    h(
      "div",
      { class: "explorer-plot" },
      h(
        "div",
        { class: "legend" },
        h("span", null, h("i", { class: "swatch genuine" }), `same person (${count(verification.genuine)} pairs)`),
        h("span", null, h("i", { class: "swatch impostor" }), `different people (${count(verification.impostor)} pairs)`),
        h("label", { class: "print-hide" }, logBox, " logarithmic shares"),
      ),
      histogram.element,
      h("div", { class: "slider print-hide", style: `--left:${kMargin.left}px;--right:${kMargin.right}px` }, h("label", { for: "threshold", class: "visually-hidden" }, "Threshold (similarity)"), slider),
      h(
        "div",
        { class: "jumps print-hide" },
        h("label", { for: "threshold-number" }, "Threshold "),
        number,
        places.map(({ name, value }) => h("button", { type: "button", click: () => moveTo(value) }, name)),
      ),
    ),
    h(
      "div",
      { class: "explorer-counts" },
      confusion,
      h("dl", { class: "rates" }, rateRow("accuracy", "Accuracy"), rateRow("tar", "True accept rate"), rateRow("fmr", "False match rate")),
      exact,
    ),
  );
  return { element, moveTo, start: () => moveTo(own) };
}
