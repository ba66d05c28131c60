// The bot is killed in the middle of an answer and started again: the page comes back by itself, with each answer once.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";
import { until } from "../stage.mjs";

export default async function (stage) {
  stage.allowed.push(/ERR_CONNECTION_(REFUSED|RESET)|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/);
  const ann = await stage.person();
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  await chat.ask("What is the capital of Bhutan?");

  const taken = page.waitForResponse((response) => response.url().endsWith("/messages") && response.status() === 202);
  await chat.write("What is the capital of Nepal? What is the currency of Nepal?");
  await taken;
  await stage.ask("kill");
  // Written while nobody is there.
  await chat.write("What is the capital of Kenya?");
  await until("a word about it", async () => /\S/.test((await page.locator(".notice, .answer .error").allInnerTexts()).join("")));
  await stage.picture("down", page);
  await stage.ask("start");
  await until("the last answer", async () => /Nairobi/.test(await chat.about("capital of Kenya").root.innerText()));
  await chat.about("capital of Nepal").finished();
  await chat.assertOnce("capital of Bhutan", /Thimphu/);
  await chat.assertOnce("capital of Nepal", /Kathmandu.*rupee/s);
  await chat.assertOnce("capital of Kenya", /Nairobi/);
  assert.equal(await chat.exchanges.count(), 3);
  await stage.picture("back", page);
}
