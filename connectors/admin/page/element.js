// Builds elements. Text only ever becomes a text node, so nothing that anybody says can turn into markup.

/** An element with properties and children; strings become text, and `null` is left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && !key.startsWith("aria")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** An element of a drawing. */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A button. */
export function button(label, onclick, properties = {}) {
  return element("button", { type: "button", class: "quiet", onclick, ...properties }, label);
}

/** A table with headers; `rows` are lists of cells, strings or nodes. */
export function table(caption, heads, rows) {
  const head = element("tr", {}, ...heads.map((label) => element("th", { scope: "col" }, label)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell ?? ""))));
  const made = element("table", {}, element("caption", { class: "unseen" }, caption), element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { class: "wide", tabIndex: 0, role: "region", "aria-label": caption }, made);
}
