// The conversation is saved as Markdown and as JSON; then everything of the person is deleted, here and at the bot.

import assert from "node:assert/strict";

import { Chat, count, read } from "../chat.mjs";

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  const second = await new Chat(await ann.tab()).ready();
  await chat.ask("What is the capital of Bhutan?");
  await chat.ask(stage.settings.secret ?? "What is the capital of Nepal?");
  const saved = async (kind) => {
    const download = page.waitForEvent("download");
    await chat.choose(kind);
    return (await read(await download)).toString();
  };
  const markdown = await saved("exportMarkdown");
  assert.match(markdown, /What is the capital of Bhutan\?/);
  assert.match(markdown, /Thimphu/);
  const json = JSON.parse(await saved("exportJson"));
  assert.match(JSON.stringify(json), /Thimphu/);

  await page.getByRole("button", { name: "More", exact: true }).click();
  await stage.picture("menu", page);
  await page.keyboard.press("Escape");
  await chat.choose("erase");
  await stage.picture("asked", page);
  await chat.confirmErasing();
  await count(chat.exchanges, 0);
  await count(second.exchanges, 0);
  await stage.picture("gone", page);
  await page.reload();
  await new Chat(page).ready();
  await count(chat.exchanges, 0);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.doesNotMatch(kept, /Bhutan|Nepal/);
  // One can begin again.
  await chat.ask("What is the capital of Kenya?");
  await chat.assertOnce("capital of Kenya", /Nairobi/);
}
