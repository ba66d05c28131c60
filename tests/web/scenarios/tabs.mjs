// Two tabs of one person show the same conversation, each message once; another person sees nothing of it.

import assert from "node:assert/strict";

import { Chat, count } from "../chat.mjs";

export default async function (stage) {
  const ann = await stage.person();
  const one = await new Chat(await ann.tab()).ready();
  await one.ask("What is the capital of Bhutan?");
  const two = await new Chat(await ann.tab()).ready();
  await two.about("capital of Bhutan").finished();
  const bob = await new Chat(await (await stage.person()).tab()).ready();

  await one.write("What is the capital of Peru?");
  await two.about("capital of Peru").finished();
  await two.ask("And its currency?");
  await one.about("And its currency?").finished();
  for (const chat of [one, two]) {
    await count(chat.exchanges, 3);
    await chat.assertOnce("capital of Peru", /Lima/);
    await chat.assertOnce("And its currency?", /sol/);
  }
  await stage.picture("second", two.page);
  assert.equal(await bob.exchanges.count(), 0);
}
