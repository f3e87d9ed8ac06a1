// Elements from plain values. Texts become text nodes, never markup: file names may hold anything.

/** @returns {HTMLElement} `attributes` with a function value are event listeners. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

const kSvg = "http://www.w3.org/2000/svg";
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(kSvg, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return append(element, children);
}

/**
 * A table with a caption. Columns: {head, cell(row, index), number, rowHead}.
 */
export function table(caption, columns, rows, rowAttributes = () => ({})) {
  const cellClass = (column) => (column.number ? "number" : null);
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: 0 },
    h(
      "table",
      null,
      h("caption", null, caption),
      h(
        "thead",
        null,
        h("tr", null, columns.map((column) => h("th", { scope: "col", class: cellClass(column) }, column.head))),
      ),
      h(
        "tbody",
        null,
        rows.map((row, index) =>
          h(
            "tr",
            rowAttributes(row, index),
            columns.map((column) =>
              h(
                column.rowHead ? "th" : "td",
                { class: cellClass(column), scope: column.rowHead ? "row" : null },
                column.cell(row, index),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** A list of name and value; pairs whose value is empty are left out. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== "" && value !== null && value !== undefined)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}
