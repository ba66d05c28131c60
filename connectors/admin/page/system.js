// What the bot is, what is found when its parts are looked at; and people, who may want nothing of them to be kept.

import { act, get } from "./api.js";
import { button, element, table } from "./element.js";
import { moment, words } from "./words.js";

function facts(pairs) {
  return element("dl", { class: "facts" }, ...pairs.flatMap(([label, value]) => [element("dt", {}, label), element("dd", {}, value)]));
}

export function system({ main, head, guard }) {
  const about = element("section", { class: "sheet" });
  const found = element("div");
  const config = element("pre", { tabIndex: 0 });
  const told = element("p", { class: "told", role: "status", hidden: true });
  const look = button(words.look_at, () => guard(checks));
  const compact = button(words.compact, () => guard(async () => {
    told.textContent = (await act("POST", "/compact")).said;
    told.hidden = false;
  }));
  main.append(
    head(words.pages.system),
    told,
    element(
      "div",
      { class: "entry" },
      about,
      element("section", { class: "sheet" }, element("h2", {}, words.checks), element("p", {}, look), found),
      element("section", { class: "sheet" }, element("p", {}, compact), element("p", { class: "soft" }, words.compactHint)),
      element("section", { class: "sheet" }, element("h2", {}, words.config), element("p", { class: "soft" }, words.configHint), config),
    ),
  );

  async function checks() {
    const rows = (await get("/checks")).map(({ name, what, advice }) => [
      name,
      element("span", { class: `state ${advice ? "bad" : "good"}` }, advice ? "!" : words.fine),
      element("div", { class: "said" }, element("p", {}, what), advice ? element("p", { class: "error" }, advice) : null),
    ]);
    found.replaceChildren(rows.length > 0 ? table(words.checks, ["", words.columns.state, ""], rows) : element("p", {}, words.nothing));
  }

  guard(async () => {
    const { name, version, started, models, config: text } = await get("/about");
    const inUse = models.map(({ name: place, model, since, place: from, before }) => [
      `${words.model.name} ${place}`,
      element(
        "span",
        { title: model.sha256 },
        `${model.name} (${model.sha256.slice(0, 12)}…)${since ? `, ${moment(since)}: ${from}; ${words.before} ${before}` : ""}`,
      ),
    ]);
    about.replaceChildren(facts([["", name], [words.version, version], [words.started, moment(started)], ...inUse]));
    config.textContent = text;
  });
}

export function people({ main, head, guard, path }) {
  const who = element("input", { value: path ?? "", required: true, autocomplete: "off", placeholder: "web:…" });
  const form = element("form", { class: "filters", role: "search" }, element("label", {}, words.person, who), element("button", { class: "primary" }, words.find));
  const place = element("div", { class: "entry" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `people/${encodeURIComponent(who.value.trim())}`;
  });
  main.append(head(words.pages.people), form, element("p", { class: "soft" }, words.personHint), place);

  function eraser(person) {
    const again = element("input", { required: true, autocomplete: "off" });
    const erase = element("button", { class: "quiet danger", disabled: true }, words.erase);
    again.addEventListener("input", () => (erase.disabled = again.value.trim() !== person));
    const made = element("form", { class: "sheet" }, element("h2", {}, words.erase), element("p", {}, words.eraseHint), element("label", { class: "command" }, `${words.person} `, again, erase));
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      guard(async () => {
        const { said } = await act("DELETE", "/person", { person, confirm: again.value.trim() });
        place.replaceChildren(element("p", { class: "told", role: "status" }, `${words.erased} ${said}`));
      });
    });
    return made;
  }

  if (path) {
    guard(async () => {
      const found = await get("/person", { person: path });
      if (found.messages === 0) {
        place.replaceChildren(element("p", { class: "notice" }, words.unknownPerson));
        return;
      }
      const links = found.conversations.map(({ id, messages }) => {
        return element("li", {}, element("a", { href: `#conversations/${encodeURIComponent(id)}` }, id), ` – ${words.messages(messages)}`);
      });
      const pairs = [[words.person, found.name ? `${found.name} (${found.person})` : found.person], ["", words.messages(found.messages)], [words.first, moment(found.first)], [words.last, moment(found.last)]];
      place.replaceChildren(element("section", { class: "sheet" }, facts(pairs), element("ul", {}, ...links)), eraser(found.person));
    });
  }
}
