// A draft as it grows: each event brings what is new, in place of everything from its sentence `from` on.

/** Blocks with those of a piece behind them; the first may go on with the last one of before. */
function joined(blocks, { document, goes_on: goesOn }) {
  const last = blocks.at(-1);
  const [first, ...rest] = document;
  if (goesOn && last?.paragraph && first?.paragraph)
    return [...blocks.slice(0, -1), { paragraph: [...last.paragraph, ...first.paragraph] }, ...rest];
  if (goesOn && last?.list && first?.list) {
    const items = [...last.list.items, ...first.list.items];
    return [...blocks.slice(0, -1), { list: { ...last.list, items } }, ...rest];
  }
  return [...blocks, ...document];
}

/** The draft after an event; `null` where something is missing before what is new. */
export function grown(draft, event) {
  const { from = 0 } = event;
  const pieces = (draft?.pieces ?? []).filter((piece) => piece.from < from);
  const sentences = pieces.flatMap((piece) => piece.sentences);
  if (sentences.length < from) return null;
  pieces.push({ ...event, from });
  return {
    in_reply_to: event.in_reply_to,
    pieces,
    sentences: [...sentences.slice(0, from), ...event.sentences],
    document: pieces.reduce(joined, []),
  };
}
