// Why an answer says what it says: each sentence with what was found of it and whose words it is in, and what the answer was
// made from. All of it came with the reply.

import { element } from "./element.js";

/** What was found of a sentence, with the numbers of the facts. */
function finding(sentence, facts, words) {
  const numbers = sentence.facts.map((fact) => facts.indexOf(fact) + 1).filter((number) => number > 0);
  const cited = numbers.map((number) => `[${number}]`).join(" ");
  return `${words(`verdict.${sentence.verdict}`)} ${cited}`.trim();
}

function line(sentence, facts, words) {
  const wording = words(`wording.${sentence.wording ?? "line"}`);
  return element(
    "li",
    { class: `verdict ${sentence.verdict}` },
    element("q", { dir: "auto" }, sentence.text),
    element("p", {}, `${finding(sentence, facts, words)} · ${wording}`),
  );
}

function missing(gap, words) {
  const asked = gap.asked || gap.predicate;
  const what = [gap.name || words("unnamed"), asked].filter(Boolean).join(" — ");
  return element("p", { class: "missing" }, `${words("missing")} ${what}`);
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** The closed explanation of a reply, and the button that opens it. `id` is the explanation's own. */
export function explanation(reply, id, label, words) {
  const facts = reply.citations.map((citation) => citation.id);
  const claims = reply.sentences.some((sentence) => sentence.verdict !== "no_claim");
  const said = claims
    ? element("ol", {}, ...reply.sentences.map((sentence) => line(sentence, facts, words)))
    : element("p", {}, words(`nothing.${reply.outcome}`));
  const { graph: generation, policy, model, timings_ms: timings } = reply;
  const made = words("made", { generation, policy, model: model.name, time: duration(timings.total) });
  const panel = element(
    "section",
    { id, class: "why", hidden: true, "aria-label": label },
    said,
    ...(reply.gaps ?? []).map((gap) => missing(gap, words)),
    element("p", { class: "made" }, made),
  );
  const show = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", open);
    if (open) panel.scrollIntoView({ block: "nearest" });
  };
  const closeWithEscape = (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    event.preventDefault();
    show(false);
    button.focus();
  };
  const button = element(
    "button",
    {
      type: "button",
      class: "quiet",
      dir: "auto",
      "aria-expanded": "false",
      "aria-controls": id,
      onclick: () => show(panel.hidden),
      onkeydown: closeWithEscape,
    },
    label,
  );
  panel.addEventListener("keydown", closeWithEscape);
  return { panel, button };
}
