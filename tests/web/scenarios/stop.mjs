// “Stop” takes back what is not answered yet, in every tab and after a reload; a page that is closed takes nothing back.

import assert from "node:assert/strict";

import { Chat, count } from "../chat.mjs";

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  let chat = await new Chat(page).ready();
  const places = ["Bhutan", "Nepal", "Kenya", "Peru", "Chile", "Japan"];
  for (const place of places) await chat.write(`What is the capital of ${place}? And its currency?`);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  const stopped = page.locator(".answer").filter({ hasText: "Stopped." });
  await stopped.last().waitFor();
  await stage.picture("stopped", page);
  // Each is answered or stopped, and nothing is waited for.
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  const before = await stopped.count();
  assert.ok(before >= 1);
  await chat.ask("What is the capital of Egypt?");
  await chat.assertOnce("capital of Egypt", /Cairo/);
  await page.reload();
  chat = await new Chat(page).ready();
  await chat.about("capital of Egypt").finished();
  await count(page.locator(".answer").filter({ hasText: "Stopped." }), before);
  await count(chat.exchanges, places.length + 1);

  // Who leaves does not stop: the answer is there when they come back.
  const taken = page.waitForResponse((response) => response.url().endsWith("/messages") && response.status() === 202);
  await chat.write("What is the capital of Norway?");
  await taken;
  await page.close();
  chat = await new Chat(await ann.tab()).ready();
  await chat.about("capital of Norway").finished();
  await chat.assertOnce("capital of Norway", /Oslo/);
}
