// Conversations, and one as it was said.

import { get } from "./api.js";
import { button, element, table } from "./element.js";
import { exchange } from "./entry.js";
import { state } from "./ledger.js";
import { moment, words } from "./words.js";

function list({ main, head, guard }) {
  const heads = words.columns;
  const view = table(words.pages.conversations, [heads.place, heads.at, heads.who, words.last, heads.state], []);
  const body = view.querySelector("tbody");
  const older = button(words.older, () => guard(page), { hidden: true });
  const empty = element("p", { class: "notice", hidden: true }, words.nothing);
  main.append(head(words.pages.conversations), view, empty, element("p", { class: "more" }, older));
  let before;
  async function page() {
    const found = await get("/conversations", { before });
    for (const row of found.conversations) {
      const cells = [
        element("a", { href: `#conversations/${encodeURIComponent(row.conversation)}` }, row.conversation),
        element("span", { class: "time" }, moment(row.at)),
        row.name ?? row.person,
        element("div", { class: "said" }, row.text),
        state(row.state),
      ];
      body.append(element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
    }
    before = found.before ?? undefined;
    older.hidden = before === undefined;
    empty.hidden = body.childElementCount > 0;
  }
  guard(page);
}

function transcript({ main, head, guard, path }) {
  const older = button(words.older, () => guard(page), { hidden: true });
  const said = element("div");
  main.append(head(path), element("p", { class: "more" }, older), element("section", { class: "sheet" }, said));
  let before;
  async function page() {
    const found = await get("/transcript", { conversation: path, before });
    const nodes = found.said.map((one) => {
      const link = element("a", { href: `#ledger/${one.row.sequence}` }, words.entry(one.row.sequence));
      return element("article", { class: "exchange" }, element("p", { class: "soft" }, moment(one.row.at), " · ", link, " ", state(one.row.state)), ...exchange(one));
    });
    said.prepend(...nodes);
    before = found.before ?? undefined;
    older.hidden = before === undefined;
    if (said.childElementCount === 0) said.append(element("p", {}, words.nothing));
  }
  guard(page);
}

export function conversations(view) {
  return view.path ? transcript(view) : list(view);
}
