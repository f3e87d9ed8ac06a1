// Parts of the page that know about its size.
import { h } from "./dom.js";

/**
 * A plot that is drawn as wide as its place and again when that changes. `draw(width)` gives
 * {element, mark}; `current()` the last argument of mark, or null.
 */
export function drawn(draw, current = () => null) {
  const element = h("div", { class: "plot" });
  let chart = null;
  let width = 0;
  const redraw = () => {
    if (width === 0) return;
    chart = draw(width);
    element.replaceChildren(chart.element);
    const at = current();
    if (at !== null) chart.mark(at);
  };
  new ResizeObserver(([entry]) => {
    const wanted = Math.floor(entry.contentRect.width);
    if (wanted === width || wanted === 0) return;
    width = wanted;
    redraw();
  }).observe(element);
  return { element, redraw, mark: (at) => chart?.mark(at) };
}

/** A titled section that the page's navigation can reach. */
export function section(id, title, ...children) {
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), children);
}
