// Whoever reloads in the middle of an answer, or comes back later, finds it once and whole.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";

const QUESTION = "What is the capital of Nepal? What is the currency of Nepal?";

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  let chat = await new Chat(page).ready();
  const taken = page.waitForResponse((response) => response.url().endsWith("/messages") && response.status() === 202);
  await chat.write(QUESTION);
  await taken;
  await page.reload();
  chat = await new Chat(page).ready();
  await chat.about(QUESTION).finished();
  await chat.assertOnce(QUESTION, /Kathmandu.*rupee/s);
  await stage.picture("reloaded", page);

  // Before it was even sent.
  const second = "What is the capital of Kenya?";
  await page.route("**/messages", (route) => route.abort());
  await chat.write(second);
  await page.waitForRequest("**/messages");
  await page.unroute("**/messages");
  await page.reload();
  chat = await new Chat(page).ready();
  await chat.about(second).finished();
  await chat.assertOnce(second, /Nairobi/);
  assert.equal(await chat.exchanges.count(), 2);

  // A day later, so to say: the tab is closed, the browser not.
  await page.close();
  chat = await new Chat(await ann.tab()).ready();
  await chat.about(second).finished();
  await chat.assertOnce(QUESTION, /Kathmandu/);
  await chat.assertOnce(second, /Nairobi/);
}
