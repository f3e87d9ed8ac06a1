// Figures as people read them.

const kNarrow = "\u202f";
const kSuperscript = { "-": "\u207b", 0: "\u2070", 1: "\u00b9", 2: "\u00b2", 3: "\u00b3", 4: "\u2074", 5: "\u2075", 6: "\u2076", 7: "\u2077", 8: "\u2078", 9: "\u2079" };

export const count = (n) => n.toLocaleString("en-US");

/** A share in percent, with `digits` after the point. */
export function percent(share, digits = 2) {
  return `${(share * 100).toFixed(digits)}${kNarrow}%`;
}

/** A small share with two significant digits: 0.10 %, 0.0033 %. Never rounds up to 100 %. */
export function smallPercent(share) {
  if (share === 0) return `0${kNarrow}%`;
  const value = share * 100;
  if (value >= 1) return percent(share);
  return `${Number(value.toPrecision(2)).toString().includes("e") ? value.toExponential(1) : Number(value.toPrecision(2))}${kNarrow}%`;
}

/** 0.001 as a power of ten where it is one: 10^-3 with a superscript. */
export function rate(value) {
  const exponent = Math.log10(value);
  const whole = Math.round(exponent);
  if (Math.abs(exponent - whole) > 1e-9) return smallPercent(value);
  if (whole === 0) return "1";
  return "10" + [...String(whole)].map((c) => kSuperscript[c]).join("");
}

export const similarity = (value) => value.toFixed(4).replace("-", "\u2212");

export function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return `${value < 0 ? "\u2212" : value > 0 ? "+" : "\u00b1"}${text}`;
}

/** "99.45 % (99.23 to 99.61)". */
export function measured(m, digits = 2) {
  const value = percent(m.value, digits);
  return m.interval ? `${value} (${interval(m.interval, digits)})` : value;
}

export function interval([low, high], digits = 2) {
  return `${(low * 100).toFixed(digits)} to ${(high * 100).toFixed(digits)}${kNarrow}%`;
}

const kMethods = {
  wilson: "Wilson",
  "clopper-pearson": "Clopper\u2013Pearson",
  "bootstrap-people": "bootstrap over people",
};
export const method = (name) => kMethods[name] ?? name;

/** Wilson score interval at 95 %, as the program computes it. */
export function wilson(successes, trials) {
  if (trials === 0) return [0, 1];
  const z = 1.959963984540054;
  const p = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = (p + (z * z) / (2 * trials)) / scale;
  const half = (z * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials))) / scale;
  return [successes === 0 ? 0 : Math.max(0, centre - half), successes === trials ? 1 : Math.min(1, centre + half)];
}

export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** "tar@fmr=0.001" as people write it. */
export function figureName(figure) {
  const at = figure.match(/^(\w+)@(\w+)=(.+)$/);
  if (at) return `${at[1].toUpperCase()} at ${at[2].toUpperCase()} ${rate(Number(at[3]))}`;
  return { accuracy: "Accuracy", eer: "EER", auc: "AUC" }[figure] ?? figure;
}
