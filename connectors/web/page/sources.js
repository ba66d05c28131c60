// The facts behind an answer: each citation as an edge of the graph, with where it came from.

import { element } from "./element.js";
import { words } from "./words.js";

/** A citation as one line of text. */
export function triple(citation) {
  return `${citation.subject} — ${citation.predicate} — ${citation.object}`;
}

function origin(source) {
  const isLink = /^https?:\/\//i.test(source);
  return isLink
    ? element("a", { href: source, target: "_blank", rel: "noopener noreferrer" }, source)
    : document.createTextNode(source);
}

function card(citation, number) {
  const edge = element(
    "p",
    { class: "triple" },
    element("span", { class: "node" }, citation.subject),
    element("span", { class: "unseen" }, " — "),
    element("span", { class: "predicate" }, citation.predicate),
    element("span", { class: "unseen" }, " — "),
    element("span", { class: "node" }, citation.object),
  );
  const details = element(
    "dl",
    {},
    element("dt", {}, words.source),
    element("dd", {}, origin(citation.source)),
    element("dt", {}, words.id),
    element("dd", {}, element("code", {}, citation.id)),
    ...(citation.since > 0 ? [element("dt", {}, words.since), element("dd", {}, words.graph(citation.since))] : []),
  );
  return element("li", {}, element("span", { class: "number", "aria-hidden": "true" }, `${number}`), edge, details);
}

/**
 * The closed list of an answer's facts. Returns the list, the button that opens it, and `mark(number, accounted)`, which makes a
 * button that opens it at one fact; it is read out with the words of the sentence that the fact accounts for.
 */
export function sources(citations, id) {
  const cards = citations.map((citation, index) => card(citation, index + 1));
  const list = element("ol", { id, class: "sources", hidden: true }, ...cards);
  const marks = [];
  let shown = 0; // 0: closed; -1: open at no fact in particular.

  const show = (which) => {
    shown = which === shown ? 0 : which;
    list.hidden = shown === 0;
    cards.forEach((card, index) => card.classList.toggle("chosen", index + 1 === shown));
    marks.forEach(({ button, number }) => button.setAttribute("aria-expanded", number === shown));
    toggle.setAttribute("aria-expanded", !list.hidden);
    const target = shown > 0 ? cards[shown - 1] : list;
    if (!list.hidden) target.scrollIntoView({ block: "nearest" });
  };
  const closeWithEscape = (event) => {
    if (event.key === "Escape" && shown !== 0) show(shown);
  };

  const toggle = element(
    "button",
    {
      type: "button",
      class: "quiet",
      "aria-expanded": "false",
      "aria-controls": id,
      onclick: () => show(shown === 0 ? -1 : shown),
      onkeydown: closeWithEscape,
    },
    words.facts(citations.length),
  );
  const mark = (number, accounted = []) => {
    const button = element(
      "button",
      {
        type: "button",
        class: "mark",
        "aria-expanded": "false",
        "aria-controls": id,
        "aria-label": words.fact(number, triple(citations[number - 1]), accounted),
        title: triple(citations[number - 1]),
        onclick: () => show(number),
        onkeydown: closeWithEscape,
      },
      `${number}`,
    );
    marks.push({ button, number });
    return button;
  };
  return { list, toggle, mark };
}
