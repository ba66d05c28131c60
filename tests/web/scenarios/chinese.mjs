// Who reads Chinese finds the page in Chinese, and is answered in it.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";

export default async function (stage) {
  const ann = await stage.person({ lang: "zh-CN" });
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  assert.match(await page.evaluate(() => document.documentElement.lang), /^zh/);
  await page.getByRole("button", { name: "发送", exact: true }).waitFor();
  await stage.picture("welcome", page);
  const exchange = await chat.ask("不丹的首都是哪里？");
  assert.match(await exchange.text(), /廷布/);
  await exchange.marks.first().click();
  await chat.panel.waitFor();
  await stage.picture("facts", page);
  const said = await page.evaluate(() => document.querySelector("loquat-chat").shadowRoot.querySelector(".chat").innerText);
  for (const english of [/\bFact\b/, /\bSource\b/, /\bClose\b/, /Not in my facts/, /\bWhy\?/]) assert.doesNotMatch(said, english);
}
