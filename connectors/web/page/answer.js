// One answer on the page: the wait for it, its sentences as they are verified, and the whole reply with its facts.

import { element, icon } from "./element.js";
import { sources } from "./sources.js";
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

/** The sentences as nodes; `mark(number)` makes a citation's mark. */
function text(sentences, facts, policy, mark) {
  return sentences.flatMap((sentence, index) => {
    const doubtful = ["unsupported", "contradicted"].includes(sentence.verdict) && policy !== "open";
    const numbers = sentence.facts.map((fact) => facts.indexOf(fact) + 1).filter((number) => number > 0);
    const said = element(
      "span",
      { class: doubtful ? "sentence doubtful" : "sentence" },
      element("span", { class: "said" }, sentence.text),
      doubtful ? element("span", { class: "flag" }, words.unsupported) : null,
      ...numbers.map(mark),
    );
    const before = index > 0 ? gap(sentences[index - 1].text, sentence.text) : "";
    return before ? [before, said] : [said];
  });
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

/** An answer's place on the page. */
export function answerView(id) {
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
      const facts = reply.citations.map((citation) => citation.id);
      const hasFacts = facts.length > 0;
      const details = [reply.model.name, words.graph(reply.graph), duration(reply.timings_ms.total)].join(" · ");
      body.lang = reply.language;
      view.classList.toggle("abstained", reply.outcome === "abstained");
      body.replaceChildren(
        ...(reply.outcome === "abstained" ? [element("p", { class: "label" }, words.abstained)] : []),
        element("p", {}, ...text(reply.sentences, facts, reply.policy, found.mark)),
      );
      const row = [hasFacts ? found.toggle : null, copyButton(reply.answer), element("small", {}, details)];
      view.replaceChildren(body, element("div", { class: "details" }, ...row.filter(Boolean)), found.list);
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
