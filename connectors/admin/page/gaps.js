// What was asked and is not in the graph.

import { get } from "./api.js";
import { button, element, table } from "./element.js";
import { span } from "./feedback.js";
import { number, words } from "./words.js";

function copied(text) {
  const copy = button(words.copy, async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return; // The browser forbids it, and says so itself.
    }
    copy.textContent = words.copied;
    setTimeout(() => (copy.textContent = words.copy), 1500);
  });
  // Browsers offer the clipboard only to pages from this machine or over HTTPS.
  return element("span", { class: "command" }, element("code", {}, text), navigator.clipboard ? copy : null);
}

export function gaps({ main, head, guard }) {
  const since = span(() => guard(show));
  const place = element("div");
  main.append(head(words.pages.gaps, since.label), element("p", { class: "soft" }, words.addHint), place);

  async function show() {
    const found = await get("/gaps", { days: since.days() });
    const cells = found.map((gap) => [
      element("span", { class: "number" }, number(gap.count)),
      gap.name || gap.subject || "?",
      gap.asked || gap.predicate || "?",
      element("div", { class: "said" }, gap.questions[0] ?? ""),
      gap.command ? copied(gap.command) : "",
    ]);
    const heads = [words.count, words.topic, words.relation, words.example, words.add];
    place.replaceChildren(found.length > 0 ? table(words.pages.gaps, heads, cells) : element("p", { class: "notice" }, words.nothing));
  }
  guard(show);
}
