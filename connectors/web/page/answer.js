// The words of an answer: its document, with what each fact accounts for lit up while the fact's mark is pointed at, and what no
// fact supports underlined.

import { documentNodes, wordsOf } from "./document.js";
import { element } from "./element.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Spans count bytes of UTF-8. */
function sliceOf(text, { start, end }) {
  return decoder.decode(encoder.encode(text).subarray(start, end));
}

/** Where each sentence stands in the shown text, and the words in it that facts account for: `{ sentence, start, end, spans }`. */
function places(shown, sentences) {
  let at = 0;
  return sentences.map((sentence) => {
    const found = shown.indexOf(sentence.text, at);
    const start = found < 0 ? at : found;
    let place = start;
    const spans = [...(sentence.spans ?? [])]
      .sort((one, other) => one.start - other.start)
      .flatMap((span) => {
        const said = sliceOf(sentence.text, span);
        const offset = found < 0 ? place : start + decoder.decode(encoder.encode(sentence.text).subarray(0, span.start)).length;
        const from = said.trim() ? shown.indexOf(said, offset) : -1;
        // With markup in the sentence the words may stand elsewhere; far away they are others.
        if (from < 0 || from > offset + sentence.text.length) return [];
        place = found < 0 ? from : place;
        return [{ fact: span.fact, start: from, end: from + said.length }];
      });
    const last = Math.max(start, ...spans.map(({ end }) => end));
    const end = found < 0 ? last : found + sentence.text.length;
    at = end;
    return { sentence, isFound: found >= 0, start, end, spans };
  });
}

/** The words of a sentence that a fact accounts for. */
export function accounted(sentence, fact) {
  return (sentence.spans ?? []).filter((span) => span.fact === fact).map((span) => sliceOf(sentence.text, span));
}

/**
 * The nodes of an answer. `mark(number)` makes a citation's mark; those that are buttons light up what they account for.
 */
export function answerNodes(answer, options, mark) {
  const marks = [];
  const cite = (number) => {
    const node = mark(number);
    marks.push({ node, number });
    return node;
  };
  const body = element("div", { class: "words" }, ...documentNodes(documentOf(answer), { ...options, cite }));
  const { reply } = answer;
  if (!reply) return body;
  const shown = wordsOf(body);
  const found = places(shown.text, reply.sentences);
  const lights = new Map();
  const cuts = found.flatMap(({ spans }) => spans.flatMap(({ start, end }) => [start, end]));
  const ends = [...new Set(cuts)].sort((one, other) => one - other);
  const all = found.flatMap(({ spans }) => spans);
  ends.slice(1).forEach((end, index) => {
    const start = ends[index];
    const facts = all.filter((span) => span.start <= start && end <= span.end).map((span) => span.fact);
    if (facts.length === 0) return;
    const parts = shown.wrap(start, end, "part");
    facts.forEach((fact) => lights.set(fact, [...(lights.get(fact) ?? []), ...parts]));
  });
  if (reply.policy !== "open") {
    for (const { sentence, isFound, start, end } of found) {
      const isDoubtful = ["unsupported", "contradicted"].includes(sentence.verdict);
      if (isDoubtful && isFound) shown.wrap(start, end, "doubtful");
      // The doubt stands behind the sentence, in brackets.
      const doubt = isDoubtful && isFound && /^\s*[(（][^()（）]*[)）]?/.exec(shown.text.slice(end));
      if (doubt) shown.wrap(end, end + doubt[0].length, "doubt");
    }
  }
  for (const { node, number } of marks) {
    const parts = lights.get(reply.citations[number - 1]?.id) ?? [];
    for (const [event, isLit] of [
      ["mouseenter", true],
      ["focus", true],
      ["mouseleave", false],
      ["blur", false],
    ]) {
      node.addEventListener(event, () => parts.forEach((part) => part.classList.toggle("lit", isLit)));
    }
  }
  return body;
}

/** A draft's nodes, where only what is new since the last draft comes in softly. */
export function draftNodes(draft, before, options) {
  const cite = (number) => element("span", { class: "mark" }, `${number}`);
  const body = element("div", { class: "words" }, ...documentNodes(documentOf(draft), { ...options, cite }));
  const shown = wordsOf(body);
  if (shown.text.length > before) shown.wrap(before, shown.text.length, "new");
  return { body, length: shown.text.length };
}

/** Sentences as a document, where there is no other. */
function plain(sentences, citations) {
  const numbers = (facts) => facts.map((fact) => citations.findIndex(({ id }) => id === fact) + 1).filter(Boolean);
  return [
    {
      paragraph: sentences.flatMap(({ text, facts }, index) => [
        { text: index > 0 ? ` ${text}` : text },
        ...numbers(facts).map((citation) => ({ citation })),
      ]),
    },
  ];
}

/** The document of an answer, or of a draft. */
export function documentOf({ document = [], reply, sentences = [] }) {
  return document.length > 0 ? document : plain(reply?.sentences ?? sentences, reply?.citations ?? []);
}
