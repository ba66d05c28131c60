// What people think of the bot's answers.

import { download, get, save } from "./api.js";
import { button, element, table } from "./element.js";
import { moment, words } from "./words.js";

/** A choice of how far back is looked; `changed(days)` is called with it. */
export function span(changed) {
  const options = Object.entries(words.spans).map(([days, label]) => element("option", { value: days }, label));
  const select = element("select", {}, ...options.toReversed());
  select.value = "30";
  select.addEventListener("change", () => changed());
  return { days: () => select.value, label: element("label", { class: "soft" }, `${words.days} `, select) };
}

export function feedback({ main, head, guard }) {
  const since = span(() => guard(show));
  const place = element("div");
  let rows = [];
  const json = () => save(new Blob([JSON.stringify(rows, null, 2)], { type: "application/json" }), "feedback.json");
  const csv = () => guard(() => download("/feedback.csv", { days: since.days() }, "feedback.csv"));
  main.append(head(words.pages.feedback, since.label, button("CSV", csv), button("JSON", json)), place);

  async function show() {
    rows = await get("/feedback", { days: since.days() });
    const cells = rows.map((one) => [
      element("a", { href: `#ledger/${one.reply}` }, `${one.reply}`),
      element("span", { class: "time" }, moment(one.at)),
      element("span", { class: `state ${one.verdict ?? "none"}` }, words.verdicts[one.verdict]),
      element("div", { class: "said" }, one.text ?? ""),
      element("div", { class: "said" }, one.question),
      element("div", { class: "said" }, one.answer),
      element("a", { href: `#people/${encodeURIComponent(one.person)}` }, one.person),
    ]);
    const heads = [words.columns.number, words.columns.at, words.verdict, words.reason, words.question, words.answer, words.columns.who];
    place.replaceChildren(rows.length > 0 ? table(words.pages.feedback, heads, cells) : element("p", { class: "notice" }, words.nothing));
  }
  guard(show);
}
