// A conversation as a file: what the journal has of it, as JSON, or as Markdown that people and programs read.

import { safeAddress } from "./document.js";
import { save } from "./files.js";
import { toJson } from "./storage.js";

/** Words that stay words in Markdown. */
const escaped = (text) => text.replace(/[\\\x60*_[\]<>#|~]/g, "\\$&").replace(/^(\s*)([-+=]|\d+[.)])/gm, "$1\\$2");

/** Words in code, with fences longer than those inside. */
function fenced(text, least) {
  const longest = Math.max(least - 1, ...(text.match(/\x60+/g) ?? []).map((run) => run.length));
  return "\x60".repeat(longest + 1);
}

function inline(node) {
  if (node === "break") return "\\\n";
  const [kind, value] = Object.entries(node)[0];
  if (kind === "text") return escaped(value);
  if (kind === "strong") return `**${inlines(value)}**`;
  if (kind === "emphasis") return `*${inlines(value)}*`;
  if (kind === "code") return `${fenced(value, 1)} ${value} ${fenced(value, 1)}`;
  if (kind === "link" && !safeAddress(value.url)) return inlines(value.label);
  if (kind === "link") return `[${inlines(value.label)}](<${value.url.replace(/[<>\n]/g, encodeURIComponent)}>)`;
  if (kind === "mention") return escaped(value.name);
  return kind === "citation" ? `[${value}]` : "";
}

const inlines = (list) => list.map(inline).join("");
const indented = (text, first, rest) =>
  text
    .split("\n")
    .map((line, index) => (index === 0 ? first : line && rest) + line)
    .join("\n");

function block(node) {
  const [kind, value] = Object.entries(node)[0];
  if (kind === "paragraph") return inlines(value);
  if (kind === "heading") return `### ${inlines(value)}`;
  if (kind === "code") return `${fenced(value.text, 3)}${value.language}\n${value.text}\n${fenced(value.text, 3)}`;
  if (kind === "quote") return indented(blocks(value), "> ", "> ");
  if (kind === "list") {
    const marker = (index) => (typeof value.start === "number" ? `${value.start + index}. ` : "- ");
    return value.items.map((item, index) => indented(blocks(item), marker(index), " ".repeat(marker(index).length))).join("\n");
  }
  if (kind !== "table") return "";
  const line = (cells) => `| ${cells.map((cell) => inlines(cell).replace(/\\?\n/g, " ")).join(" | ")} |`;
  return [line(value.header), `|${" --- |".repeat(value.header.length)}`, ...value.rows.map(line)].join("\n");
}

const blocks = (list) => (list ?? []).map(block).join("\n\n");

/** The exchanges as Markdown. What was pressed or said about an answer is left out, where it only was noted. */
function toMarkdown(exchanges, bot, words) {
  const shown = exchanges.filter(
    ({ text, about, edits, attachments = [] }) => (!about || edits) && (text || attachments.length > 0),
  );
  const parts = shown.map(({ at, text, attachments = [], answer }) => {
    const files = attachments.map(({ name }) => `*${escaped(name)}*`).join(", ");
    const facts = (answer?.reply?.citations ?? []).map(({ subject, predicate, object, source }, index) => {
      return `[${index + 1}] ${escaped(`${subject} — ${predicate} — ${object} (${source})`)}`;
    });
    const said = answer?.reason ? escaped(answer.reason) : blocks(answer?.document);
    const asked = [text && indented(escaped(text), "> ", "> "), files && `> ${files}`].filter(Boolean).join("\n>\n");
    const facet = [
      `**${words("you")}** ${at ?? ""}`.trim(),
      asked,
      `**${words("answers", { name: escaped(bot.name) })}**`,
      said,
      facts.join("\\\n"),
    ];
    return facet.filter(Boolean).join("\n\n");
  });
  return `# ${escaped(bot.name)}\n\n${parts.join("\n\n---\n\n")}\n`;
}

/** Saves the conversation: `kind` is "md" or "json". */
export async function exportConversation(kind, conversation, bot, words) {
  const exchanges = await conversation.all();
  const day = new Date().toISOString().slice(0, 10);
  const name = `${bot.name.replace(/[^\p{L}\p{N}]+/gu, "-") || "chat"}-${day}.${kind}`;
  const isJson = kind === "json";
  const text = isJson ? toJson({ conversation: conversation.id, exchanges }) : toMarkdown(exchanges, bot, words);
  save(name, new Blob([text], { type: isJson ? "application/json" : "text/markdown" }));
}
