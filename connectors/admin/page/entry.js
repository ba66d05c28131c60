// One entry with all its steps; and what was asked and answered, with what it rests on, as conversations show it too.

import { act, get } from "./api.js";
import { button, element } from "./element.js";
import { state } from "./ledger.js";
import { duration, moment, words } from "./words.js";

/** The sentences of a reply, with the numbers of the facts behind each. */
function sentences(reply) {
  const ids = reply.citations.map((citation) => citation.id);
  return reply.sentences.flatMap((sentence, index) => {
    const isDoubtful = ["unsupported", "contradicted"].includes(sentence.verdict);
    const marks = sentence.facts.map((fact) => ids.indexOf(fact) + 1).filter((place) => place > 0);
    const text = element("span", isDoubtful ? { class: "doubtful" } : {}, sentence.text);
    const gap = index > 0 && !/[\u3400-\u9fff\u3000-\u303f]$/.test(reply.sentences[index - 1].text) ? " " : "";
    return [gap, text, ...marks.map((place) => element("span", { class: "mark" }, `${place}`))];
  });
}

function citations(reply) {
  const item = (citation, index) => {
    const triple = `${citation.subject} — ${citation.predicate} — ${citation.object}`;
    return element("li", {}, element("span", { class: "mark" }, `${index + 1}`), triple, element("span", { class: "soft" }, `${words.source} ${citation.source}`));
  };
  return element("ol", { class: "cited", "aria-label": words.facts }, ...reply.citations.map(item));
}

function gaps(reply) {
  const item = (gap) => element("li", {}, [gap.name, gap.asked].filter(Boolean).join(" — ") || gap.question);
  return element("div", {}, element("p", { class: "soft" }, words.missing), element("ul", { class: "cited" }, ...reply.gaps.map(item)));
}

/** What was said and answered, as nodes. */
export function exchange({ row, entry }) {
  const asked = entry.prepared?.asked ?? (row.kind === "message" ? row.text : `[${words.kinds[row.kind]}] ${row.text}`);
  const reply = entry.prepared?.reply;
  const parts = (entry.prepared?.parts ?? []).map((part) => part.text).join("\n");
  const nodes = [element("p", { class: "question" }, asked)];
  if (reply) {
    const tokens = reply.tokens.prompt + reply.tokens.completion;
    nodes.push(element("p", { class: "answer", lang: reply.language }, ...sentences(reply)));
    if (reply.citations.length > 0) nodes.push(citations(reply));
    if ((reply.gaps ?? []).length > 0) nodes.push(gaps(reply));
    nodes.push(element("p", { class: "soft" }, `${words.outcomes[reply.outcome]} · ${words.model_of(reply.model.name, duration(reply.timings_ms.total), tokens)}`));
  } else if (parts) {
    nodes.push(element("p", { class: "answer soft" }, parts));
  }
  return nodes;
}

/** A state that is a word, or an object with one key. */
function named(value) {
  return typeof value === "string" ? [value, {}] : Object.entries(value)[0];
}

function steps({ row, entry }) {
  const step = (text, at, badge, reason) => {
    return element("li", {}, element("span", { class: "time" }, moment(at)), badge ? state(badge) : null, text, reason ? element("span", { class: "error" }, reason) : null);
  };
  const made = [step(words.step.accepted, row.at)];
  if (entry.draft) made.push(step(words.step.drafted(entry.draft), null));
  if (entry.reopened_at) made.push(step(words.step.reopened, entry.reopened_at));
  if (entry.prepared) made.push(step(words.step.prepared(entry.prepared.parts.length), null));
  (entry.parts ?? []).forEach((part, index) => {
    const [name, more] = named(part);
    made.push(step(`${words.step.part(index + 1)}${more.id ? ` (${more.id})` : ""}`, more.at, name, more.reason));
  });
  if (entry.settled) {
    const [name, more] = named(entry.settled[0]);
    made.push(step(words.step.settled[name] ?? name, entry.settled[1], null, more.reason ?? (more.into ? `→ ${more.into}` : null)));
  }
  return element("ol", { class: "steps" }, ...made);
}

export function entryView({ main, head, guard, sequence }) {
  const told = element("p", { class: "told", role: "status", hidden: true });
  const place = element("div", { class: "entry" });
  const actions = element("span", { class: "command" });
  main.append(head(words.entry(sequence), actions), told, place);

  const done = (path) => guard(async () => {
    const { said } = await act("POST", `/ledger/${sequence}/${path}`);
    told.textContent = said;
    told.hidden = false;
    await show();
  });

  async function show() {
    const found = await get(`/ledger/${sequence}`);
    const { row, entry } = found;
    const retry = button(words.retry, () => done("retry"));
    const discard = button(words.discard, () => confirm(words.sureDiscard(sequence)) && done("discard"), { class: "quiet danger" });
    actions.replaceChildren(state(row.state), row.is_settled ? retry : discard);
    const fact = (label, value) => [element("dt", {}, label), element("dd", {}, value)];
    const facts = element(
      "dl",
      { class: "facts" },
      ...fact(words.columns.place, element("a", { href: `#conversations/${encodeURIComponent(row.conversation)}` }, row.conversation)),
      ...fact(words.columns.who, element("a", { href: `#people/${encodeURIComponent(row.person)}` }, row.name ? `${row.name} (${row.person})` : row.person)),
      ...fact(words.columns.at, moment(row.at)),
    );
    const raw = element("details", {}, element("summary", {}, words.raw), element("pre", { tabIndex: 0 }, JSON.stringify(entry, null, 2)));
    place.replaceChildren(
      element("section", { class: "sheet" }, facts),
      element("section", { class: "sheet" }, ...exchange(found)),
      element("section", { class: "sheet" }, element("h2", {}, words.steps), steps(found)),
      raw,
      element("p", {}, element("a", { href: "#ledger" }, words.back)),
    );
  }
  guard(show);
}
