// Why an answer says what it says: each sentence with what was found of it and whose words it is in, and what the answer was
// made from. All of it came with the reply.

import { element } from "./element.js";
import { words } from "./words.js";

/** What was found of a sentence, with the numbers of the facts. */
function finding(sentence, facts) {
  const numbers = sentence.facts.map((fact) => facts.indexOf(fact) + 1).filter((number) => number > 0);
  const cited = numbers.map((number) => `[${number}]`).join(" ");
  return `${words.verdicts[sentence.verdict]} ${cited}`.trim();
}

function line(sentence, facts) {
  const wording = words.wordings[sentence.wording ?? "line"];
  return element(
    "li",
    { class: `verdict ${sentence.verdict}` },
    element("q", {}, sentence.text),
    element("p", {}, `${finding(sentence, facts)} · ${wording}`),
  );
}

function missing(gap) {
  const asked = gap.asked || gap.predicate;
  const what = [gap.name || words.unnamed, asked].filter(Boolean).join(" — ");
  return element("p", { class: "missing" }, `${words.missing} ${what}`);
}

/**
 * The closed explanation of a reply, and the button that opens it. `id` is the explanation's own.
 */
export function explanation(reply, id) {
  const facts = reply.citations.map((citation) => citation.id);
  const claims = reply.sentences.some((sentence) => sentence.verdict !== "no_claim");
  const said = claims
    ? element("ol", {}, ...reply.sentences.map((sentence) => line(sentence, facts)))
    : element("p", {}, words.nothing[reply.outcome] ?? words.nothing.smalltalk);
  const made = element("p", { class: "made" }, words.made(reply.graph, reply.policy, reply.model.name));
  const panel = element(
    "section",
    { id, class: "why", hidden: true, "aria-label": words.why },
    said,
    ...(reply.gaps ?? []).map(missing),
    made,
  );
  const button = element(
    "button",
    {
      type: "button",
      class: "quiet",
      "aria-expanded": "false",
      "aria-controls": id,
      onclick: () => show(panel.hidden),
      onkeydown: (event) => event.key === "Escape" && show(false),
    },
    words.why,
  );
  const show = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", open);
    if (open) panel.scrollIntoView({ block: "nearest" });
  };
  return { panel, button };
}
