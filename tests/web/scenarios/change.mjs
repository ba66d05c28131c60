// A question is edited and answered again; an answer is tried again; what a name may mean is chosen.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";
import { until } from "../stage.mjs";

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  let chat = await new Chat(page).ready();
  const exchange = await chat.ask("What is the capital of Bhutan?");
  await exchange.root.hover();
  await exchange.button("Edit question").click();
  const editor = page.getByRole("textbox", { name: "Your question" });
  await stage.picture("editing", page);
  await editor.fill("What is the capital of Nepal?");
  await page.getByRole("button", { name: "Ask again", exact: true }).click();
  await until("the answer to the edited question", async () => /Kathmandu/.test(await chat.about("capital of Nepal").root.innerText()));
  assert.equal(await chat.exchanges.count(), 1, "it takes the place of the first");
  await stage.picture("edited", page);
  await page.reload();
  chat = await new Chat(page).ready();
  await until("the same after a reload", async () => /Kathmandu/.test(await page.locator(".log").innerText()));
  assert.equal(await chat.exchanges.count(), 1);
  assert.doesNotMatch(await page.locator(".log").innerText(), /Thimphu/);

  const again = chat.about("capital of Nepal");
  await again.finished();
  await again.button("Try again").click();
  // The facts are as they were, so the bot says that the answer is.
  await page.getByText("and the answer is the same.").waitFor();
  await stage.picture("again", page);
}
