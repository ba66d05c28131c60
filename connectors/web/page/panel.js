// The panel of facts: one citation with its source and the words it accounts for, and the graph around it, which can be walked.

import { accounted } from "./answer.js";
import { link, safeAddress } from "./document.js";
import { element, iconButton } from "./element.js";
import { graphDrawing, graphList } from "./graph.js";

const LIMIT = 24;

/** The most that the bot shows. */
const MOST_FACTS = 100;

/** A citation as one line of text. */
export function triple({ subject, predicate, object }) {
  return `${subject} — ${predicate} — ${object}`;
}

function row(term, ...content) {
  return [element("dt", {}, term), element("dd", { dir: "auto" }, ...content)];
}

/** What the cited facts themselves say of a subject, where the graph may not be asked. */
function fromCitations(citations, { entity: id, subject: label }) {
  const own = citations.filter((citation) => citation.subject === label);
  const facts = own.map(({ predicate, object, source, id: fact }) => {
    return { id: fact, subject: { id: id || label, label }, predicate, object: { label: object }, source };
  });
  return { id: id || label, label, facts, more: false };
}

/** The panel, closed. `graph(id, limit, language)` asks for an entity, or is `null` where it may not be asked; `changed(isOpen)` is told. */
export function factsPanel({ words, graph, changed }) {
  const title = element("h2", { tabIndex: -1 });
  const body = element("div", { class: "panelbody" });
  const previous = iconButton("back", words("previous"), () => show(at - 1));
  const next = iconButton("forward", words("next"), () => show(at + 1));
  const close = iconButton("close", words("closePanel"), () => hide());
  const head = element("header", { class: "panelhead" }, title, previous, next, close);
  const panel = element("aside", { class: "facts", hidden: true, "aria-label": words("factsTitle") }, head, body);
  let reply = null;
  let at = 1;
  let opener = null;
  let turn = 0;

  function saidWords(citation) {
    const lines = reply.sentences.flatMap((sentence) => {
      const said = accounted(sentence, citation.id);
      return said.length > 0 ? [element("li", { dir: "auto" }, ...quoted(sentence.text, said))] : [];
    });
    return lines.length > 0 ? [element("h3", {}, words("accounts")), element("ul", { class: "accounts" }, ...lines)] : [];
  }

  function quoted(text, said) {
    let from = 0;
    const nodes = said.flatMap((piece) => {
      const start = text.indexOf(piece, from);
      if (start < 0) return [];
      const before = text.slice(from, start);
      from = start + piece.length;
      return [before, element("mark", {}, piece)];
    });
    return [...nodes, text.slice(from)];
  }

  function show(number) {
    at = Math.max(1, Math.min(number, reply.citations.length));
    const citation = reply.citations[at - 1];
    title.textContent = words("factOf", { number: at, count: reply.citations.length });
    previous.disabled = at === 1;
    next.disabled = at === reply.citations.length;
    previous.hidden = next.hidden = reply.citations.length < 2;
    const source = safeAddress(citation.source) ? link(citation.source, citation.source) : citation.source;
    const edge = element(
      "p",
      { class: "triple" },
      element("span", { class: "node", dir: "auto" }, citation.subject),
      element("span", { class: "predicate" }, element("bdi", {}, citation.predicate)),
      element("span", { class: "node", dir: "auto" }, citation.object),
    );
    const details = element(
      "dl",
      {},
      ...row(words("source"), source),
      ...(citation.since > 0 ? row(words("since"), words("generation", { generation: citation.since })) : []),
      ...row(words("id"), element("code", {}, citation.id)),
    );
    const around = element("section", { class: "around" });
    body.replaceChildren(element("div", { class: "card" }, edge, details), ...saidWords(citation), around);
    const path = [];
    walk(citation.entity, citation.subject);

    /** Goes to an entity; back to one that is in the path already. */
    function walk(id, label, focus = false) {
      const place = path.findIndex((step) => step.id === id);
      if (place >= 0) path.length = place;
      path.push({ id, label });
      arrive(around, path, citation, focus, walk);
    }
  }

  async function arrive(around, path, citation, focus, walk, limit = LIMIT) {
    const mine = ++turn;
    const { id, label } = path[path.length - 1];
    around.setAttribute("aria-busy", "true");
    let entity;
    let problem = null;
    try {
      entity = graph && id ? await graph(id, limit, reply.language) : fromCitations(reply.citations, citation);
    } catch (error) {
      entity = path.length > 1 ? { id, label, facts: [], more: false } : fromCitations(reply.citations, citation);
      problem = error.status === 404 ? null : words("noExplore");
    }
    if (mine !== turn) return;
    around.removeAttribute("aria-busy");
    const heading = element("h3", { tabIndex: -1 }, words("around", { name: entity.label }));
    const step = (next, nextLabel) => walk(next, nextLabel, true);
    const steps = path.slice(0, -1).map((passed) => {
      return element(
        "li",
        {},
        element("button", { type: "button", class: "gstep", onclick: () => step(passed.id, passed.label) }, passed.label),
      );
    });
    const crumbs =
      path.length > 1 &&
      element(
        "nav",
        { "aria-label": words("path") },
        element("ol", { class: "crumbs" }, ...steps, element("li", { "aria-current": "true" }, entity.label)),
      );
    const more =
      entity.more &&
      limit < MOST_FACTS &&
      element(
        "button",
        { type: "button", class: "quiet", onclick: () => arrive(around, path, citation, true, walk, Math.min(MOST_FACTS, limit * 4)) },
        words("moreFacts"),
      );
    const isEmpty = entity.facts.length === 0;
    around.replaceChildren(
      ...[
        crumbs,
        heading,
        entity.description ? element("p", { class: "soft", dir: "auto" }, entity.description) : null,
        problem ? element("p", { class: "error", role: "alert" }, problem) : null,
        isEmpty ? element("p", { class: "soft" }, words("noNeighbours")) : graphDrawing(entity, words.direction === "rtl", step),
        isEmpty ? null : graphList(entity, words, step),
        more,
      ].filter(Boolean),
    );
    if (focus) heading.focus({ preventScroll: true });
    if (focus) around.scrollIntoView({ block: "nearest" });
  }

  function hide(isQuiet = false) {
    if (panel.hidden) return;
    panel.hidden = true;
    turn++;
    opener?.setAttribute("aria-expanded", "false");
    changed(false);
    if (!isQuiet && opener?.isConnected) opener.focus();
    opener = null;
  }

  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    hide();
  });

  return {
    panel,
    hide,
    get isOpen() {
      return !panel.hidden;
    },
    /** Opens at a fact of a reply; pressed again, the same button closes it. */
    open(of, number, button) {
      if (opener === button && !panel.hidden) return hide();
      opener?.setAttribute("aria-expanded", "false");
      [reply, opener] = [of, button];
      opener.setAttribute("aria-expanded", "true");
      panel.hidden = false;
      changed(true);
      show(number);
      body.scrollTop = 0;
      title.focus({ preventScroll: true });
    },
  };
}
