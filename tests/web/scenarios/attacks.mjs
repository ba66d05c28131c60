// Every text of the corpus is said by a person, by the model, by every literal of the graph, and is the name of a file: as it comes, and
// again out of the journal. On the page and on the widget, nothing of it runs, and nothing of it is anything but words.

import assert from "node:assert/strict";

import { Chat, count } from "../chat.mjs";
import { assertNothingRan, payloads, setTraps } from "../corpus.mjs";
import { hostPage } from "../hosts.mjs";
import { until } from "../stage.mjs";

/** So many are said before what came of them is looked at; a page that is loaded again shows the newest fifty. */
const TOGETHER = 40;

/** Says texts in the page's conversation with its own token, each with a file of that name; gives back what was refused. */
async function say({ bot, texts, first }) {
  const kept = Object.entries(localStorage).find(([key]) => key.startsWith("loquat:"));
  const { token, conversation } = JSON.parse(kept[1]);
  const headers = { Authorization: `Bearer ${token}` };
  const send = async (path, body, type) => {
    const response = await fetch(`${bot}/api/conversations/${conversation}/${path}`, { method: "POST", headers: { ...headers, "Content-Type": type }, body });
    return { ok: response.ok, status: response.status, body: await response.text() };
  };
  const refused = [];
  for (const [index, text] of texts.entries()) {
    const file = await send(`files?name=${encodeURIComponent(text)}`, "x", "text/plain");
    if (!file.ok) refused.push(`file ${text}: ${file.status} ${file.body}`);
    const attachments = file.ok ? [JSON.parse(file.body).id] : [];
    const message = await send("messages", JSON.stringify({ id: `p${first + index}`, text, attachments }), "application/json");
    if (!message.ok) refused.push(`${text}: ${message.status} ${message.body}`);
  }
  return refused;
}

/** Opens what every exchange hides: its facts with the graph around them, why it was said, the editor; and follows what leads nowhere. */
async function open() {
  const root = document.querySelector("loquat-chat").shadowRoot;
  const moment = (length = 0) => new Promise((resolve) => setTimeout(resolve, length));
  let opened = 0;
  for (const exchange of root.querySelectorAll("article.exchange")) {
    const mark = exchange.querySelector("button.mark");
    if (mark) {
      mark.dispatchEvent(new MouseEvent("mouseenter"));
      mark.click();
      for (let waits = 0; waits < 100 && !root.querySelector("aside.facts .around > *"); waits++) await moment(5);
      root.querySelector("aside.facts button.gstep")?.click();
      await moment(5);
      opened++;
    }
    for (const button of exchange.querySelectorAll("button[aria-expanded=false]:not(.mark)")) button.click();
    exchange.querySelector(".question button.tool")?.click();
    for (const node of exchange.querySelectorAll(".answer *, .question *")) {
      for (const name of ["mouseover", "pointerenter", "focus", "animationend", "toggle"]) node.dispatchEvent(new Event(name, { bubbles: true }));
    }
    exchange.querySelector(".editor")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  }
  return opened;
}

async function suffer(stage, page, texts, first, where) {
  const chat = new Chat(page);
  const before = await chat.exchanges.count();
  const refused = await page.evaluate(say, { bot: stage.url, texts, first });
  const said = texts.length - refused.filter((line) => !line.startsWith("file ")).length;
  await until(`${said} answers ${where}`, async () => (await page.locator(".answer .body").count()) >= before + said);
  await assertNothingRan(page, `${where}, as it is said`);
  const opened = await page.evaluate(open);
  await assertNothingRan(page, `${where}, opened`);
  // It is all there, as words.
  const bubbles = await page.locator(".question .bubble").allTextContents();
  for (const text of texts.filter((text) => !refused.some((line) => line.startsWith(`${text}:`)))) {
    const word = text.split(/[\s\0\u{80}-\u{10ffff}]/u).find((part) => part.length > 3) ?? "";
    assert.ok(bubbles.some((shown) => shown.includes(word)), `${where}: “${text}” is not shown`);
  }
  return { refused, opened };
}

export default async function (stage) {
  // A link that leads elsewhere is a link; nobody follows it here.
  const all = payloads();
  const refused = new Set();
  let opened = 0;
  const site = await hostPage(stage, { name: "plain", port: stage.settings.port });
  const places = [
    ["the page", stage.url, async () => {}],
    ["the widget", site.url, (page) => new Chat(page).open()],
  ];
  const title = { "the page": "Parrot", "the widget": "plain" };
  await Promise.all(places.map(async ([where, url, enter]) => {
    const ann = await stage.person();
    await setTraps(ann);
    for (let first = 0; first < all.length; first += TOGETHER) {
      const texts = all.slice(first, first + TOGETHER);
      const page = await ann.tab(url);
      await enter(page);
      const chat = await new Chat(page).ready();
      if (first === 0) await chat.ask("Hello.");
      else await page.evaluate(() => document.querySelector("loquat-chat").shadowRoot.querySelector(".anew")?.click());
      if (first > 0) {
        await count(chat.exchanges, 0);
        // One is written as a person does, which begins the conversation.
        await chat.write(texts[0]);
        await until("the first answer", async () => (await page.locator(".answer .body").count()) > 0);
      }
      const outcome = await suffer(stage, page, texts, first, where);
      outcome.refused.forEach((line) => refused.add(line));
      opened += outcome.opened;
      // Chosen as a file by a person: shown in the tray before it is sent.
      const names = texts.slice(0, 4).map((name) => ({ name: name.replaceAll(/[\0/]/g, "") || "x", mimeType: "text/plain", buffer: Buffer.from("x") }));
      await page.locator(".composer input[type=file]").setInputFiles(names);
      await page.locator(".tray .file").first().waitFor();
      await assertNothingRan(page, `${where}, in the tray`);
      if (first === 0) await stage.picture(where.replace(" ", "-"), page);

      // Out of the journal.
      await page.reload();
      await enter(page);
      await chat.ready();
      await until("the conversation out of the journal", async () => (await page.locator(".answer .body").count()) >= Math.min(20, texts.length / 2));
      await assertNothingRan(page, `${where}, out of the journal`);
      // The list of earlier chats has their first words.
      await page.getByRole("button", { name: "More", exact: true }).click();
      await page.getByRole("button", { name: "Earlier chats", exact: true }).click();
      await page.locator(".conversations button, .history .soft").first().waitFor();
      await assertNothingRan(page, `${where}, earlier chats`);
      assert.equal(await page.title(), title[where]);
      assert.equal(new URL(page.url()).host, new URL(url).host);
      assert.equal(ann.pages.filter((one) => !one.isClosed()).length, 1, "no window was opened");
      await page.close();
    }
  }));
  await site.close();
  console.log(`${all.length} payloads on ${places.length} faces, ${opened} facts opened, ${refused.size} texts or names refused`);
  for (const line of refused) console.log(`refused ${line.slice(0, 160)}`);
  assert.ok(refused.size < all.length / 10, "most are let in, and shown");
  assert.ok(opened > all.length, "facts were opened");
}
