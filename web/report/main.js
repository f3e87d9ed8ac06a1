// The page of `visavis evaluate --report`: reads the JSON beside it and draws everything.
import { detChart, fmrScale, rocChart } from "./charts.js";
import { curvePoints } from "./curve.js";
import { append, h } from "./dom.js";
import { explorer } from "./explorer.js";
import { count, percent } from "./format.js";
import { drawn, section } from "./layout.js";
import * as parts from "./sections.js";

const { report, crops } = JSON.parse(document.getElementById("data").textContent);
// Pairs of one class only have similarities, but no curve.
const hasCurve = (result) => result.verification && result.verification.curve.threshold.length > 0;
const series = report.results.map((result, index) => ({ index, result, points: hasCurve(result) ? curvePoints(result, index) : [] })).filter((s) => hasCurve(s.result));

function curvesSection(selected, current) {
  const scale = fmrScale(series.map((s) => s.result));
  const charts = [rocChart, detChart].map((chart) => drawn((width) => chart(series, scale, selected, width), current));
  const { verification } = report.results[selected];
  const strict = series.find((s) => s.index === selected).points.findLast?.((p) => p.falseAccepts === 0);
  const element = section(
    "curves",
    "ROC and DET",
    series.length > 1 && h("div", { class: "legend" }, series.map(({ index, result }) => h("span", { class: index === selected ? "selected" : null }, parts.swatch(index), result.label))),
    h("div", { class: "pair-of-plots" },
      h("figure", null, h("figcaption", null, h("b", null, "ROC"), " higher is better"), charts[0].element),
      h("figure", null, h("figcaption", null, h("b", null, "DET"), " lower is better"), charts[1].element)),
    h("p", { class: "note" },
      `${count(verification.impostor)} pairs of different people: in the shaded part the false match rate cannot be told from 0 (fewer than 3 expected accepts). `,
      strict && strict.trueAccepts > 0 && `Without a single false accept the true accept rate is ${percent(strict.tar)}, which a logarithmic axis cannot show.`),
  );
  return { element, mark: (point) => charts.forEach((chart) => chart.mark(point)) };
}

function show(main, selected) {
  const result = report.results[selected];
  const content = [parts.warnings(report), parts.keyFigures(result)];
  let start = () => {};
  if (hasCurve(result)) {
    let at = null;
    const curves = curvesSection(selected, () => at);
    const points = series.find((s) => s.index === selected).points;
    const threshold = explorer(result, points, report.systems[result.system], (point) => {
      at = point;
      curves.mark(point);
    });
    start = threshold.start;
    content.push(
      section("threshold-section", "Threshold", h("p", { class: "lead" }, "Move the threshold and see what would be decided. Everything at or right of the line is accepted as the same person."), threshold.element),
      curves.element,
      parts.comparisons(report),
      parts.baseline(report),
      parts.points(result.verification),
      parts.protocols(result.verification),
      parts.cohorts(result.verification),
    );
  } else {
    content.push(parts.comparisons(report), parts.baseline(report));
    if (result.verification) content.push(parts.protocols(result.verification));
  }
  content.push(parts.identification(report, result));
  if (result.verification) content.push(parts.worstPairs(report, result, crops));
  content.push(parts.failures(report), parts.runFacts(report));
  main.replaceChildren();
  append(main, content);
  start();
  return [...main.querySelectorAll("section")];
}

function download() {
  const url = URL.createObjectURL(new Blob([JSON.stringify(report, null, 2)], { type: "application/json" }));
  h("a", { href: url, download: "visavis-evaluation.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function build() {
  const name = report.dataset.path.replace(/[\\/]+$/, "").split("/").at(-1) || report.dataset.kind;
  document.title = `${name}: visavis evaluation`;
  const main = h("main", { id: "main", tabindex: -1 });
  const links = h("nav", { "aria-label": "Parts of the report" });
  const select = (index) => {
    const sections = show(main, index);
    links.replaceChildren(...sections.map((s) => h("a", { href: `#${s.id}` }, s.querySelector("h2").textContent)));
  };
  const chooser =
    report.results.length > 1 &&
    h(
      "fieldset",
      { class: "chooser" },
      h("legend", null, "Details of"),
      report.results.map((result, index) =>
        h("label", null, h("input", { type: "radio", name: "result", value: index, checked: index === 0, change: () => select(index) }), parts.swatch(index), result.label),
      ),
    );
  append(document.getElementById("app"), [
    h(
      "div",
      { class: "page" },
      h(
        "header",
        null,
        h("p", { class: "kicker" }, "visavis evaluation"),
        h("h1", null, name),
        h("p", { class: "subtitle" },
          report.systems.map((s) => s.label).join(", "), " \u00b7 ",
          report.dataset.pairs > 0 ? `${count(report.dataset.pairs)} pairs` : `${count(report.dataset.images)} images`, " \u00b7 ", report.run.started.slice(0, 10)),
        links,
      ),
      chooser,
      main,
      h("footer", null, h("span", null, `visavis ${report.run.visavis}`), h("button", { type: "button", class: "print-hide", click: download }, "Save the figures as JSON")),
    ),
  ]);
  select(0);
  // The part that the address names was not there when the page was read.
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) requestAnimationFrame(() => target.scrollIntoView({ behavior: "instant" }));
}

build();
