// One answer on the page: the wait for it, its sentences as they are verified, and the whole reply with its facts.

import { element, icon } from "./element.js";
import { sources } from "./sources.js";
import { explanation } from "./why.js";
import { words } from "./words.js";

const UNSPACED = /[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]/;

/** What stands between two sentences: nothing in scripts without spaces, and nothing where there is space already. */
function gap(before, after) {
  const last = before.at(-1) ?? " ";
  const first = after[0] ?? " ";
  return /\s/.test(last + first) || UNSPACED.test(last) || UNSPACED.test(first) ? "" : " ";
}

/** Facts in the order of their first use, which is how a reply numbers its citations. */
function factsInOrder(sentences) {
  return [...new Set(sentences.flatMap((sentence) => sentence.facts))];
}

/** A sentence cut where what a fact accounts for begins and ends: `{ text, facts }` in order. Spans count bytes of UTF-8. */
function stretches({ text, spans = [] }) {
  const bytes = new TextEncoder().encode(text);
  const inside = spans.filter(({ start, end }) => start < end && end <= bytes.length);
  const places = [0, bytes.length, ...inside.flatMap(({ start, end }) => [start, end])];
  const ends = [...new Set(places)].sort((one, other) => one - other);
  return ends.slice(1).map((end, index) => {
    const start = ends[index];
    const facts = inside.filter((span) => span.start <= start && end <= span.end).map((span) => span.fact);
    return { text: new TextDecoder().decode(bytes.subarray(start, end)), facts };
  });
}

/** A sentence's words, with what lights up those that a fact accounts for, and says them. */
function saidWords(sentence) {
  const parts = stretches(sentence).map((stretch) => {
    return { ...stretch, node: element("span", stretch.facts.length > 0 ? { class: "part" } : {}, stretch.text) };
  });
  const of = (fact) => parts.filter(({ facts }) => facts.includes(fact));
  return {
    node: element("span", { class: "said" }, ...parts.map(({ node }) => node)),
    light: (fact, isLit) => of(fact).forEach(({ node }) => node.classList.toggle("lit", isLit)),
    accounted: (fact) => of(fact).map(({ text }) => text),
  };
}

/** A citation's mark, which shows what its fact accounts for while it is pointed at or has the focus. */
function markOf(number, fact, said, mark) {
  const node = mark(number, said.accounted(fact));
  for (const [event, isLit] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
    node.addEventListener(event, () => said.light(fact, isLit));
  }
  return node;
}

/** The sentences as nodes; `mark(number, accounted)` makes a citation's mark. */
function text(sentences, facts, policy, mark) {
  return sentences.flatMap((sentence, index) => {
    const isDoubtful = ["unsupported", "contradicted"].includes(sentence.verdict);
    const isMarked = isDoubtful && policy !== "open";
    const said = saidWords(sentence);
    const cited = sentence.facts.filter((fact) => facts.includes(fact));
    const marks = cited.map((fact) => markOf(facts.indexOf(fact) + 1, fact, said, mark));
    // Facts that say otherwise stand within the flag, so that they do not look like support.
    const flag = isMarked
      ? element("span", { class: "flag" }, words.doubts[sentence.verdict], ...(sentence.verdict === "contradicted" ? marks : []))
      : null;
    const node = element(
      "span",
      { class: isMarked ? "sentence doubtful" : "sentence" },
      said.node,
      flag,
      ...(isDoubtful ? [] : marks),
    );
    const before = index > 0 ? gap(sentences[index - 1].text, sentence.text) : "";
    return before ? [before, node] : [node];
  });
}

/** What the person can choose from; `choose(value)` says it for them. */
function choiceList(choices, choose) {
  const item = (choice) => {
    return element("li", {}, element("button", { type: "button", onclick: () => choose(choice.value) }, choice.label));
  };
  return element("ol", { class: "choices", "aria-label": words.choices }, ...choices.map(item));
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function copyButton(answer) {
  // Browsers offer the clipboard only to pages from this machine or over HTTPS.
  if (!navigator.clipboard) return null;
  const button = element("button", { type: "button", class: "quiet copy", "aria-label": words.copy, title: words.copy });
  const rest = (name, label) => {
    button.replaceChildren(icon(name));
    button.setAttribute("aria-label", label);
  };
  rest("copy", words.copy);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(answer);
    } catch {
      return; // The browser forbids it, and says so itself.
    }
    rest("done", words.copied);
    setTimeout(() => rest("copy", words.copy), 1500);
  });
  return button;
}

/** An answer's place on the page; `choose(value)` says for the person what they choose. */
export function answerView(id, choose) {
  const body = element("div", { class: "body" });
  const view = element("div", { class: "answer" }, body);
  let drafted = 0;

  return {
    view,
    waiting() {
      const dots = element("span", { class: "dots", "aria-hidden": "true" }, ...[1, 2, 3].map(() => element("i")));
      body.replaceChildren(dots, element("span", { class: "unseen" }, words.thinking));
    },
    draft(sentences) {
      const mark = (number) => element("span", { class: "mark" }, `${number}`);
      const nodes = text(sentences, factsInOrder(sentences), "hedged", mark);
      nodes.filter((node) => node.className).slice(drafted).forEach((node) => node.classList.add("new"));
      drafted = sentences.length;
      body.replaceChildren(element("p", {}, ...nodes));
    },
    finish(reply) {
      const found = sources(reply.citations, `sources-${id}`);
      const why = explanation(reply, `why-${id}`);
      const choices = reply.choices ?? [];
      const facts = reply.citations.map((citation) => citation.id);
      const hasFacts = facts.length > 0;
      const details = [reply.model.name, words.graph(reply.graph), duration(reply.timings_ms.total)].join(" · ");
      body.lang = reply.language;
      view.classList.toggle("abstained", reply.outcome === "abstained");
      body.replaceChildren(
        ...(reply.outcome === "abstained" ? [element("p", { class: "label" }, words.abstained)] : []),
        element("p", {}, ...text(reply.sentences, facts, reply.policy, found.mark)),
        ...(choices.length > 0 ? [choiceList(choices, choose)] : []),
      );
      const row = [hasFacts ? found.toggle : null, why.button, copyButton(reply.answer), element("small", {}, details)];
      view.replaceChildren(body, element("div", { class: "details" }, ...row.filter(Boolean)), why.panel, found.list);
    },
    told(notice) {
      body.replaceChildren(element("p", {}, notice));
    },
    withdrawn() {
      drafted = 0;
      body.replaceChildren();
    },
    problem(reason, again) {
      const retry = again && element("button", { type: "button", class: "quiet", onclick: again }, words.again);
      body.replaceChildren(element("p", { class: "error" }, reason, " ", retry ?? ""));
    },
  };
}
