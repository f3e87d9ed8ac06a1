// The report's parts, from its JSON (docs/formats/evaluation-report.md).
import { cmcChart, differenceChart, resultColour, resultDash } from "./charts.js";
import { facts, h, svg, table } from "./dom.js";
import {
  count, duration, figureName, interval, measured, method, percent, plural, rate, signed, similarity, smallPercent,
} from "./format.js";
import { drawn, section } from "./layout.js";

const kProtocols = {
  "k-fold": "k-fold accuracy",
  "val@far": "VAL at FAR",
  "neural-compressor": "Neural Compressor metric",
  omz: "Open Model Zoo metric",
  "fixed-threshold": "Accuracy at a fixed threshold",
};

export function swatch(index) {
  return svg(
    "svg",
    { class: "line-swatch", viewBox: "0 0 28 8", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 28, y1: 4, y2: 4, stroke: resultColour(index), "stroke-width": 2.5, "stroke-dasharray": resultDash(index) }),
  );
}

const deviation = (protocol) => (protocol.deviation === null ? "" : ` \u00b1 ${(protocol.deviation * 100).toFixed(2)}`);

/** The few figures that people look for first. */
export function keyFigures(result) {
  const figures = [];
  const add = (name, value, detail) => figures.push(h("div", null, h("dt", null, name), h("dd", null, h("b", null, value), h("span", null, detail))));
  const verification = result.verification;
  if (verification) {
    const main = verification.protocols.find((p) => p.folds.length > 0) ?? verification.protocols[0];
    if (main) {
      add(main.folds.length > 1 ? `${main.folds.length}-fold accuracy` : kProtocols[main.protocol] ?? main.protocol, percent(main.mean),
        [deviation(main).trim(), main.interval ? interval(main.interval) : ""].filter(Boolean).join(" \u00b7 "));
    }
    const supported = verification.points.filter((p) => p.supported);
    const point = supported.find((p) => p.target_fmr === 1e-3) ?? supported.at(-1);
    if (point) add(`TAR at FMR ${rate(point.target_fmr)}`, percent(point.tar.value), interval(point.tar_people ?? point.tar.interval ?? [0, 1]));
    if (verification.eer) add("Equal error rate", percent(verification.eer.value), verification.eer.interval ? interval(verification.eer.interval) : "");
    if (verification.auc) add("Area under the ROC", verification.auc.value.toFixed(4), verification.auc.interval ? verification.auc.interval.map((v) => v.toFixed(4)).join(" to ") : "");
  }
  const search = result.identification[0];
  if (search && figures.length < 5) add(`Rank-1, gallery of ${count(search.gallery_subjects)}`, percent(search.rank1.value), search.rank1.interval ? interval(search.rank1.interval) : "");
  return h("dl", { class: "key-figures" }, figures);
}

export function warnings(report) {
  const items = [...report.warnings];
  if (items.length === 0) return null;
  return h("div", { class: "warnings", role: "note" }, h("strong", null, "Read this first"), h("ul", null, items.map((text) => h("li", null, text))));
}

export function points(verification) {
  if (verification.points.length === 0) return null;
  const people = verification.points.some((p) => p.tar_people !== null);
  const upper = verification.points.some((p) => p.tar_upper !== null);
  return section(
    "points",
    "Operating points",
    h("p", { class: "lead" }, "The most permissive threshold whose false match rate stays within the target. Intervals are at 95\u202f%."),
    table(
      "True accept rate at a false match rate",
      [
        { head: "Target FMR", rowHead: true, cell: (p) => rate(p.target_fmr) },
        { head: "TAR", number: true, cell: (p) => [percent(p.tar.value), p.tar.interval && h("small", null, interval(p.tar.interval))] },
        people && { head: "TAR, over people", number: true, cell: (p) => (p.tar_people ? h("small", null, interval(p.tar_people)) : "\u2013") },
        { head: "Similarity \u2265", number: true, cell: (p) => similarity(p.threshold) },
        { head: "False accepts", number: true, cell: (p) => count(p.false_accepts) },
        { head: "FMR", number: true, cell: (p) => [smallPercent(p.fmr.value), p.fmr.interval && h("small", null, p.fmr.interval.map(smallPercent).join(" to "))] },
        upper && { head: "At most", number: true, cell: (p) => (p.tar_upper === null ? "\u2013" : percent(p.tar_upper)) },
        { head: "", cell: (p) => (p.supported ? "" : h("span", { class: "flag" }, "not supported by the data")) },
      ].filter(Boolean),
      verification.points,
      (p) => ({ class: p.supported ? null : "faint" }),
    ),
    verification.points.some((p) => !p.supported && p.note) &&
      h("ul", { class: "note" }, verification.points.filter((p) => !p.supported && p.note).map((p) => h("li", null, p.note))),
  );
}

export function protocols(verification) {
  const parts = [];
  if (verification.protocols.length > 0) {
    parts.push(
      table(
        "Published protocols",
        [
          { head: "Protocol", rowHead: true, cell: (p) => [kProtocols[p.protocol] ?? p.protocol, h("small", null, p.rule)] },
          { head: "Value", number: true, cell: (p) => percent(p.mean) + deviation(p) },
          { head: "95\u202f% interval", number: true, cell: (p) => (p.interval ? interval(p.interval) : "\u2013") },
          {
            head: "More",
            cell: (p) =>
              [
                p.far === null ? "" : `FAR ${smallPercent(p.far)}`,
                p.similarity === null ? "" : `similarity \u2265 ${similarity(p.similarity)}`,
                p.tar === null ? "" : `TAR ${percent(p.tar)}`,
                p.fmr === null ? "" : `FMR ${smallPercent(p.fmr)}`,
              ].filter(Boolean).join(" \u00b7 "),
          },
        ],
        verification.protocols,
      ),
    );
  }
  for (const protocol of verification.protocols.filter((p) => p.folds.length > 1)) {
    parts.push(
      table(
        `Folds of the ${kProtocols[protocol.protocol] ?? protocol.protocol}: each is judged at the threshold that was best on the others`,
        [
          { head: "Fold", rowHead: true, cell: (f) => f.fold },
          { head: "Pairs", number: true, cell: (f) => count(f.pairs) },
          { head: "Right", number: true, cell: (f) => count(f.correct) },
          { head: "Wrong", number: true, cell: (f) => count(f.pairs - f.correct) },
          { head: "Squared distance <", number: true, cell: (f) => f.threshold.toFixed(3) },
          { head: "Similarity >", number: true, cell: (f) => similarity(f.similarity) },
          { head: "Accuracy", number: true, cell: (f) => percent(f.accuracy) },
        ],
        protocol.folds,
      ),
    );
  }
  return parts.length > 0 && section("protocols", "Protocols and folds", parts);
}

export function cohorts(verification) {
  if (verification.cohorts.length === 0) return null;
  const worst = new Set(verification.worst_cohorts);
  return section(
    "cohorts",
    "Cohorts",
    h("p", { class: "lead" }, "Every cohort at the threshold of the whole set. The lowest TAR and the highest FMR of each target are marked."),
    table(
      "Rates by cohort",
      [
        { head: "Cohort", rowHead: true, cell: (c) => c.name },
        { head: "Target FMR", number: true, cell: (c) => rate(c.target_fmr) },
        { head: "Same", number: true, cell: (c) => count(c.genuine) },
        { head: "Different", number: true, cell: (c) => count(c.impostor) },
        { head: "TAR", number: true, cell: (c) => [percent(c.tar.value), c.tar.interval && h("small", null, interval(c.tar.interval))] },
        { head: "FMR", number: true, cell: (c) => [smallPercent(c.fmr.value), c.fmr.interval && h("small", null, c.fmr.interval.map(smallPercent).join(" to "))] },
        { head: "", cell: (c, i) => (worst.has(i) ? h("span", { class: "flag" }, "worst") : "") },
      ],
      verification.cohorts,
    ),
  );
}

export function identification(report, result) {
  if (result.identification.length === 0) return null;
  const series = report.results.flatMap((r, index) => r.identification.filter((s) => s.cmc.length > 1).map((s) => ({ index, label: `${r.label}, ${s.name}`, cmc: s.cmc })));
  return section(
    "identification",
    "Identification, one to many",
    series.length > 0 && h("div", { class: "half" }, drawn((width) => cmcChart(series, width)).element),
    result.identification.map((search) =>
      table(
        `${search.name}: ${search.rule}. ${plural(search.gallery_subjects, "subject")} enrolled, ${plural(search.mated, "mated probe")}, ${count(search.non_mated)} without mate; rank-1 ${measured(search.rank1)}`,
        [
          { head: "Target FPIR", rowHead: true, cell: (t) => rate(t.target_fpir) },
          { head: "Similarity \u2265", number: true, cell: (t) => similarity(t.threshold) },
          { head: "FPIR", number: true, cell: (t) => smallPercent(t.fpir.value) },
          { head: "TPIR", number: true, cell: (t) => [percent(t.tpir.value), t.tpir.interval && h("small", null, interval(t.tpir.interval))] },
          { head: "FNIR", number: true, cell: (t) => percent(1 - t.tpir.value) },
          { head: "", cell: (t) => (t.supported ? "" : h("span", { class: "flag" }, t.note || "not supported by the data")) },
        ],
        search.targets,
        (t) => ({ class: t.supported ? null : "faint" }),
      ),
    ),
  );
}

function pairCard(pair, images, crops) {
  const side = (index) => {
    const name = images.get(index) ?? `image ${index}`;
    const source = crops[index];
    return h(
      "figure",
      null,
      source ? h("img", { src: source, alt: "", width: 112, height: 112, loading: "lazy" }) : h("div", { class: "no-crop" }, "no picture"),
      h("figcaption", { title: name }, name),
    );
  };
  return h(
    "li",
    { class: pair.wrong ? "pair" : "pair near" },
    h("div", { class: "crops" }, side(pair.a), side(pair.b)),
    h(
      "p",
      null,
      h("b", null, similarity(pair.similarity)),
      ` cut ${similarity(pair.threshold)}`,
      h("small", null, [`pair ${pair.pair}`, pair.fold >= 0 ? `fold ${pair.fold + 1}` : "", pair.wrong ? "" : "near miss, judged rightly"].filter(Boolean).join(" \u00b7 ")),
    ),
  );
}

export function worstPairs(report, result, crops) {
  const verification = result.verification;
  const images = new Map(report.images.map((image) => [image.index, image.name]));
  const list = (id, title, text, pairs, wrong) =>
    pairs.length > 0 &&
    section(
      id,
      title,
      h("p", { class: "lead" }, `${text} ${plural(wrong, "pair was", "pairs were")} judged wrongly; the ${count(pairs.length)} worst are shown.`),
      h("ol", { class: "pairs" }, pairs.map((pair) => pairCard(pair, images, crops))),
    );
  return [
    list("false-accepts", "Worst false accepts", "Different people, taken for the same.", verification.false_accepts, verification.wrong_false_accepts),
    list("false-rejects", "Worst false rejects", "The same person, not recognised.", verification.false_rejects, verification.wrong_false_rejects),
  ];
}

const kVerdicts = { better: "better", same: "no difference", worse: "worse" };

export function comparisons(report) {
  if (report.comparisons.length === 0) return null;
  return section(
    "comparison",
    "Side by side",
    report.comparisons.map((comparison) => {
      const a = report.results[comparison.a].label;
      const b = report.results[comparison.b].label;
      return h(
        "div",
        { class: "comparison" },
        h("h3", null, swatch(comparison.b), ` ${b} `, h("span", { class: "against" }, "against"), " ", swatch(comparison.a), ` ${a}`),
        table(
          `Over the ${count(comparison.pairs)} pairs that both could score; verdicts at 95\u202f%`,
          [
            { head: "Figure", rowHead: true, cell: (f) => figureName(f.figure) },
            { head: a, number: true, cell: (f) => percent(f.a) },
            { head: b, number: true, cell: (f) => percent(f.b) },
            { head: "Difference (points)", number: true, cell: (f) => [signed(f.difference * 100, 2), f.interval && h("small", null, f.interval.map((v) => signed(v * 100, 2)).join(" to "))] },
            { head: "p", number: true, cell: (f) => (f.p_value === null ? "\u2013" : f.p_value < 1e-4 ? "< 0.0001" : f.p_value.toFixed(4)) },
            { head: "Verdict", cell: (f) => h("span", { class: `verdict ${f.verdict}` }, kVerdicts[f.verdict] ?? f.verdict) },
          ],
          comparison.figures,
        ),
        comparison.figures.some((f) => f.interval) && h("div", { class: "half" }, drawn((width) => differenceChart(comparison.figures, width)).element),
      );
    }),
  );
}

export function baseline(report) {
  if (!report.baseline) return null;
  const { path, max_drop, passed, figures } = report.baseline;
  return section(
    "baseline",
    "Against the baseline",
    h("p", { class: "lead" }, h("span", { class: `verdict ${passed ? "better" : "worse"}` }, passed ? "passed" : "failed"), ` No figure may drop by more than ${(max_drop * 100).toFixed(2)} points below `, h("code", null, path), "."),
    table(
      "Figures and their baselines",
      [
        { head: "Result", rowHead: true, cell: (f) => f.result },
        { head: "Figure", cell: (f) => figureName(f.figure) },
        { head: "Baseline", number: true, cell: (f) => percent(f.baseline) },
        { head: "Now", number: true, cell: (f) => percent(f.now) },
        { head: "Drop (points)", number: true, cell: (f) => signed(f.drop * 100, 2) },
        { head: "", cell: (f) => h("span", { class: `verdict ${f.passed ? "better" : "worse"}` }, f.passed ? "passed" : "failed") },
      ],
      figures,
    ),
  );
}

const kPolicies = { drop: "their pairs are left out", reject: "their pairs count as not accepted", error: "none were allowed" };
const kShownFailures = 200;

export function failures(report) {
  const systems = report.systems.filter((s) => s.failures.list.length > 0 || s.failures.no_face + s.failures.unreadable > 0);
  if (systems.length === 0) return null;
  const images = new Map(report.images.map((image) => [image.index, image.name]));
  return section(
    "failures",
    "Failures to acquire",
    systems.map(({ label, failures: f }) => [
      h("p", { class: "lead" }, h("b", null, label), `: ${plural(f.no_face, "image")} without a face and ${count(f.unreadable)} unreadable, of ${count(f.images)} (${measured(f.failure_to_acquire)}); ${kPolicies[f.policy] ?? f.policy}: ${plural(f.genuine_pairs, "same-person pair")}, ${count(f.impostor_pairs)} of different people.`),
      table(
        `Images without an embedding${f.list.length > kShownFailures ? `, the first ${kShownFailures} of ${count(f.list.length)}` : ""}`,
        [
          { head: "Image", rowHead: true, cell: (e) => images.get(e.image) ?? `image ${e.image}` },
          { head: "Why", cell: (e) => e.message || e.code },
        ],
        f.list.slice(0, kShownFailures),
      ),
    ]),
  );
}

export function runFacts(report) {
  const { run, dataset, systems } = report;
  const code = (text) => (text ? h("code", null, text) : "");
  return section(
    "run",
    "How this was measured",
    h("div", { class: "columns" },
      h("div", null, h("h3", null, "Run"), facts([
        ["Command", code(run.command)],
        ["Started", run.started.replace("T", " ").replace("Z", " UTC")],
        ["Duration", duration(run.seconds)],
        ["visavis", run.visavis],
        ["Machine", `${run.machine.cpu}, ${plural(run.machine.cores, "core")}, ${run.machine.isa}, ${plural(run.threads, "thread")}`],
        ["Seed", String(run.seed)],
        ["Bootstrap", run.resamples > 0 ? `${count(run.resamples)} resamples of people (${method("bootstrap-people")})` : ""],
        ["Every pair", code(report.pairs_file)],
      ])),
      h("div", null, h("h3", null, "Data"), facts([
        ["Path", code(dataset.path)],
        ["Kind", `${dataset.kind}, ${dataset.input}`],
        ["SHA-256", code(dataset.sha256)],
        ["Images", `${count(dataset.images)}${dataset.people > 0 ? ` of ${count(dataset.people)} people` : ""}`],
        ["Pairs", `${count(dataset.pairs)} ${dataset.pair_choice}: ${count(dataset.genuine)} same, ${count(dataset.impostor)} different`],
      ])),
      systems.map((s) => h("div", null, h("h3", null, s.label), facts([
        ["Model", code(s.name)],
        ["SHA-256", code(s.sha256)],
        ["Contract", code(s.contract)],
        ["Precision", s.precision],
        ["Detector", s.detector],
        ["Embedding", s.dimension > 0 ? `${s.dimension} values; ${count(s.embedding.computed)} made in ${duration(s.embedding.seconds)}, ${count(s.embedding.from_cache)} from the cache` : ""],
        ["Own threshold", `${similarity(s.threshold.similarity)} (${s.threshold.origin})`],
      ]))),
    ),
  );
}
