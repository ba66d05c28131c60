// The ledger, as it happens.

import { follow, get } from "./api.js";
import { button, element, table } from "./element.js";
import { entryView } from "./entry.js";
import { duration, moment, words } from "./words.js";

const STATES = ["accepted", "answered", "sending", "delivered", "unknown", "failed", "expired", "closed"];
const KEYS = ["state", "platform", "conversation", "person", "text"];

export function state(name) {
  return element("span", { class: `state ${name}` }, words.states[name] ?? name);
}

function cells(row) {
  const said = element(
    "div",
    { class: "said" },
    element("p", {}, row.kind === "message" ? row.text : `[${words.kinds[row.kind]}] ${row.text}`),
    row.answer ? element("p", { class: "soft" }, `→ ${row.answer}`) : null,
    row.reason ? element("p", { class: "error" }, row.reason) : null,
  );
  return [
    element("a", { href: `#ledger/${row.sequence}` }, `${row.sequence}`),
    element("span", { class: "time" }, moment(row.at)),
    state(row.state),
    element("a", { href: `#conversations/${encodeURIComponent(row.conversation)}` }, row.conversation),
    element("a", { href: `#people/${encodeURIComponent(row.person)}` }, row.name ?? row.person),
    said,
    element("span", { class: "number" }, duration(row.milliseconds)),
  ];
}

export function ledger({ main, head, query, signal, guard, path }) {
  if (path) return entryView({ main, head, guard, sequence: Number(path) });
  const live = element("span", { class: "live", role: "status" }, words.away);
  const fields = Object.fromEntries(KEYS.filter((key) => key !== "state").map((key) => {
    return [key, element("input", { name: key, value: query.get(key) ?? "", autocomplete: "off" })];
  }));
  const options = ["", ...STATES].map((name) => element("option", { value: name }, words.states[name] ?? words.any));
  fields.state = element("select", { name: "state" }, ...options);
  fields.state.value = query.get("state") ?? "";
  const look = element("button", { class: "primary" }, words.look);
  const labels = KEYS.map((key) => element("label", {}, words.filter[key], fields[key]));
  const form = element("form", { class: "filters", role: "search" }, ...labels, look);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = KEYS.map((key) => [key, fields[key].value.trim()]).filter(([, value]) => value);
    location.hash = `ledger?${new URLSearchParams(given)}`;
  });
  const heads = words.columns;
  const view = table(words.pages.ledger, [heads.number, heads.at, heads.state, heads.place, heads.who, heads.said, heads.took], []);
  const body = view.querySelector("tbody");
  const empty = element("p", { class: "notice", hidden: true }, words.nothing);
  const older = button(words.older, () => guard(() => page(before)), { hidden: true });
  main.append(head(words.pages.ledger, live), form, view, empty, element("p", { class: "more" }, older));

  const filter = Object.fromEntries(KEYS.map((key) => [key, query.get(key)]));
  const rows = new Map();
  let before = null;

  const made = (row) => element("tr", {}, ...cells(row).map((cell) => element("td", {}, cell)));
  const settle = () => (empty.hidden = rows.size > 0);

  async function page(from) {
    const found = await get("/ledger", { ...filter, before: from });
    if (from === undefined) {
      rows.clear();
      body.replaceChildren();
    }
    for (const row of found.entries) {
      if (rows.has(row.sequence)) continue;
      rows.set(row.sequence, made(row));
      body.append(rows.get(row.sequence));
    }
    before = found.before;
    older.hidden = before === null;
    settle();
  }

  function news(row) {
    const old = rows.get(row.sequence);
    if (filter.state && row.state !== filter.state) {
      old?.remove();
      rows.delete(row.sequence);
    } else {
      const shown = made(row);
      shown.classList.add("fresh");
      const newest = Math.max(0, ...rows.keys());
      if (old) old.replaceWith(shown);
      else if (row.sequence > newest) body.prepend(shown);
      // Older than what is shown: it has its place on a later page.
      else return;
      rows.set(row.sequence, shown);
    }
    settle();
  }

  guard(async () => {
    await page();
    const { state: _, ...rest } = filter;
    const told = (name, row) => (name === "entry" ? news(row) : guard(() => page()));
    await follow("/ledger/events", rest, signal, told, (is) => {
      live.classList.toggle("on", is);
      live.textContent = is ? words.live : words.away;
    });
  });
}
