// The neighbourhood of an entity as a drawing: what points to it on one side, what it points to on the other. Each neighbour that the
// graph knows can be walked to.

import { drawn, element } from "./element.js";

const WIDTH = 360;
const ROW = 50;
const BOX = 108;
const TALL = 26;
const CENTRE = 84;
/** More would not be a drawing any more; the list below it has them all. */
const MOST = 10;

/** A text that fits into so many units, about 6.8 of them a letter and twice that an ideograph. */
function fitting(text, width) {
  let left = width / 6.8;
  let kept = "";
  for (const letter of text) {
    left -= /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uff00-\uff60]/.test(letter) ? 2 : 1;
    if (left < 0) return `${kept.trimEnd()}…`;
    kept += letter;
  }
  return kept;
}

function box(x, y, width, label, name, properties = {}) {
  const rect = drawn("rect", { x: x - width / 2, y: y - TALL / 2, width, height: TALL, rx: TALL / 2 });
  const text = drawn("text", { x, y: y + 4, "text-anchor": "middle" }, fitting(label, width - 14));
  return drawn("g", { class: name, ...properties }, drawn("title", {}, label), rect, text);
}

/** Facts around an entity as rows of a side: the other end, the predicate, and whether the entity is the subject. */
export function neighboursOf(entity) {
  return entity.facts.map((fact) => {
    const isSubject = fact.subject.id === entity.id;
    return { fact, isSubject, other: isSubject ? fact.object : fact.subject };
  });
}

/** The drawing; `walk(id, label)` goes to a neighbour. It is hidden from screen readers, which have the list. */
export function graphDrawing(entity, isRightToLeft, walk) {
  const all = neighboursOf(entity).slice(0, MOST);
  const incoming = all.filter(({ isSubject }) => !isSubject);
  const outgoing = all.filter(({ isSubject }) => isSubject);
  // Where one side is empty, both take half: a drawing with all on one side is twice as tall.
  const half = Math.ceil(all.length / 2);
  const [before, after] =
    incoming.length > 0 && outgoing.length > 0 ? [incoming, outgoing] : [all.slice(half), all.slice(0, half)];
  const rows = Math.max(before.length, after.length, 1);
  const height = rows * ROW + 16;
  const middle = height / 2 + 5;
  const edges = [];
  const nodes = [];
  for (const [side, list] of [
    [-1, before],
    [1, after],
  ]) {
    const way = isRightToLeft ? -side : side;
    list.forEach(({ fact, isSubject, other }, index) => {
      const x = WIDTH / 2 + way * (WIDTH / 2 - BOX / 2 - 2);
      const y = middle + (index - (list.length - 1) / 2) * ROW;
      const inner = x - way * (BOX / 2);
      const outer = WIDTH / 2 + way * (CENTRE / 2);
      const bend = (inner + outer) / 2;
      const [from, to] = isSubject
        ? [
            [outer, middle],
            [inner - way * 2, y],
          ]
        : [
            [inner, y],
            [outer + way * 2, middle],
          ];
      edges.push(
        drawn("path", { class: "edge", "marker-end": "url(#tip)", d: `M${from} C${[bend, from[1]]} ${[bend, to[1]]} ${to}` }),
      );
      const label = fitting(fact.predicate, BOX * 1.25);
      nodes.push(drawn("text", { class: "edgelabel", x, y: y - TALL / 2 - 4, "text-anchor": "middle" }, label));
      const isKnown = Boolean(other.id);
      const step = isKnown ? { onclick: () => walk(other.id, other.label) } : {};
      nodes.push(box(x, y, BOX, other.label, isKnown ? "gnode known" : "gnode", step));
    });
  }
  const tip = drawn(
    "marker",
    { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    drawn("path", { d: "M0 .8 7.5 4 0 7.2z" }),
  );
  const centre = box(WIDTH / 2, middle, CENTRE, entity.label, "gnode centre");
  return drawn(
    "svg",
    { class: "graph", viewBox: `0 0 ${WIDTH} ${height}`, "aria-hidden": "true" },
    drawn("defs", {}, tip),
    ...edges,
    ...nodes,
    centre,
  );
}

/** The same as a list, for keyboards and screen readers: each line says a fact, and its other end is a button where it can be walked to. */
export function graphList(entity, words, walk) {
  const lines = neighboursOf(entity).map(({ fact, isSubject, other }) => {
    const end = other.id
      ? element("button", { type: "button", class: "gstep", onclick: () => walk(other.id, other.label) }, other.label)
      : element("span", { class: "literal", dir: "auto" }, other.label);
    const predicate = element("span", { class: "predicate" }, fact.predicate);
    const parts = isSubject ? [predicate, " ", end] : [end, " ", predicate, " ", element("span", {}, entity.label)];
    return element("li", {}, ...parts);
  });
  return element("ul", { class: "neighbours", "aria-label": words("neighbours", { name: entity.label }) }, ...lines);
}
