// Every text of the corpus is said by a person, is the name of a file of theirs and what they think of the answer; then somebody with an
// operator's key reads all of it, and comes by links that hold it. On no page of theirs does anything of it run.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";
import { assertNothingRan, payloads, setTraps } from "../corpus.mjs";
import { until } from "../stage.mjs";

/** So many are said before their answers are rated; the bot gives back no more at once. */
const TOGETHER = 40;

/** Says texts with the page's own token, and the same texts of the answers; gives back what was let in. */
async function say({ texts, first }) {
  const kept = Object.entries(localStorage).find(([key]) => key.startsWith("loquat:"));
  const { token, conversation } = JSON.parse(kept[1]);
  const call = async (method, path, body, type = "application/json") => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": type };
    const response = await fetch(`/api/conversations/${conversation}/${path}`, { method, headers, body });
    return response.ok ? response.text() : null;
  };
  const ids = new Map();
  for (const [index, text] of texts.entries()) {
    const id = `o${first + index}`;
    const file = await call("POST", `files?name=${encodeURIComponent(text)}`, "x", "text/plain");
    const attachments = file ? [JSON.parse(file).id] : [];
    if ((await call("POST", "messages", JSON.stringify({ id, text, attachments }))) !== null) ids.set(id, text);
  }
  for (let open = true; open; ) {
    const { exchanges } = JSON.parse(await call("GET", "exchanges?limit=50"));
    open = exchanges.some(({ state }) => state === "waiting");
    if (open) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const rated = [];
  for (const [id, text] of ids) {
    if ((await call("POST", `messages/${id}/feedback`, JSON.stringify({ id: `${id}f`, text }))) !== null) rated.push(text);
  }
  return { said: [...ids.values()], rated, conversation };
}

/** A word of a text that stands in it wherever it is shown. */
const wordOf = (text) => text.split(/[\s\0\u{80}-\u{10ffff}]/u).find((part) => part.length > 3) ?? "";

export default async function (stage) {
  const all = payloads();
  const ann = await stage.person();
  const chat = await new Chat(await ann.tab()).ready();
  await chat.ask("What is the capital of Bhutan?");
  const [said, rated] = [[], []];
  let place;
  for (let first = 0; first < all.length; first += TOGETHER) {
    const told = await chat.page.evaluate(say, { texts: all.slice(first, first + TOGETHER), first });
    said.push(...told.said);
    rated.push(...told.rated);
    place = told.conversation.split(".")[0];
  }
  assert.ok(said.length > all.length * 0.9 && rated.length > all.length * 0.9, "most are let in");
  await chat.page.close();

  const operator = await stage.person();
  await setTraps(operator);
  const page = await operator.tab(`${stage.url}/admin`);
  await page.locator("#key").fill(stage.settings.key);
  await page.keyboard.press("Enter");
  await page.locator("#pages a").first().waitFor();
  const main = page.locator("main");

  /** Opens a page, and all that it has behind “older”. */
  const read = async (hash, wanted) => {
    await page.evaluate((to) => (location.hash = to), hash);
    const shown = () => main.evaluate((node) => node.textContent);
    let missing = wanted;
    await until(`${hash} shows all of it`, async () => {
      const text = await shown();
      missing = missing.filter((one) => !text.includes(wordOf(one)));
      const older = main.locator(".more button:visible");
      if (missing.length > 0 && (await older.count()) > 0) await older.first().click().catch(() => {});
      return missing.length === 0;
    }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(missing.slice(0, 5))}`);
    });
    // What stands folded is read, too.
    await main.evaluate((node) => node.querySelectorAll("details").forEach((one) => (one.open = true)));
    await page.evaluate(() => {
      for (const node of document.querySelectorAll("main *")) {
        for (const name of ["mouseover", "pointerenter", "focus", "animationend", "toggle"]) node.dispatchEvent(new Event(name, { bubbles: true }));
      }
    });
    await assertNothingRan(page, hash);
    await stage.picture(hash.split(/[/?]/)[0], page);
  };
  await read("ledger", said);
  await read(`conversations/${encodeURIComponent(await placeOf(page, place))}`, said);
  await read("conversations", []);
  await read("feedback", rated);
  await read("gaps", []);
  await read("overview", []);
  await read("people", []);

  // Links that somebody sends to an operator.
  // Names that every object has are no pages.
  for (const text of [...all, "toString", "__proto__", "constructor", "%"]) {
    const part = encodeURIComponent(text.toWellFormed());
    for (const hash of [`conversations/${part}`, `ledger?text=${part}&state=${part}`, `people/${part}`, `ledger/${part}`, part, `people/${text.toWellFormed()}`]) {
      await page.evaluate((to) => (location.hash = to), hash);
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    }
    await assertNothingRan(page, `a link with ${text}`);
  }
  assert.equal(new URL(page.url()).pathname.replace(/\/$/, ""), "/admin");
  assert.equal(operator.pages.length, 1, "no window was opened");
  console.log(`${said.length} texts and ${rated.length} opinions of ${all.length} read by an operator`);
}

/** The conversation as operators name it, the bot's name before it. */
async function placeOf(page, id) {
  await page.evaluate(() => (location.hash = "conversations"));
  const link = page.locator("main td a").filter({ hasText: id });
  await link.waitFor();
  return link.textContent();
}
