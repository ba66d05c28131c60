// A question is answered as it is written; a citation opens its fact.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  await stage.picture("welcome", page);
  const exchange = await chat.ask("What is the capital of Bhutan?");
  assert.match(await exchange.text(), /Thimphu/);
  await stage.picture("answered", page);
  await exchange.marks.first().click();
  await stage.picture("fact", page);
}
