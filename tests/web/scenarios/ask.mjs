// A question is answered as it is written; a citation opens its fact with its source, and the graph around it can be walked.

import assert from "node:assert/strict";

import { Chat, focused, watchDrafts } from "../chat.mjs";
import { until } from "../stage.mjs";

export default async function (stage) {
  const ann = await stage.person({ calm: false });
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  await chat.suggestions.first().waitFor();
  await stage.picture("welcome", page);

  const drafts = await watchDrafts(page);
  const exchange = await chat.ask("What is the capital of Bhutan? What is the currency of Bhutan?");
  const text = await exchange.text();
  assert.match(text, /Thimphu/);
  assert.match(text, /ngultrum/);
  const seen = await drafts();
  assert.ok(seen.length > 0, "something of an answer is shown before it is whole");
  assert.match(seen[0], /Thimphu/, "and it is its first sentence");
  await until("the finished answer is announced as a whole", async () => /Thimphu.*ngultrum/s.test(await chat.announced.first().textContent()));
  await stage.picture("answered", page);

  // A mark opens the panel with the triple and where it is from.
  const mark = exchange.marks.first();
  await mark.click();
  await chat.panel.waitFor();
  assert.equal(await mark.getAttribute("aria-expanded"), "true");
  const fact = await chat.panel.innerText();
  assert.match(fact, /Bhutan/);
  assert.match(fact, /capital/);
  assert.match(fact, /Thimphu/);
  assert.match(fact, /World countries/, "the source");
  await chat.panel.locator("svg.graph").waitFor();
  await stage.picture("fact", page);

  // A step in the graph, and back by the path.
  const heading = chat.panel.getByRole("heading", { name: /^Around / });
  assert.equal(await heading.innerText(), "Around Bhutan");
  const step = chat.panel.locator("ul.neighbours button.gstep").first();
  const next = await step.innerText();
  await step.click();
  await chat.panel.getByRole("heading", { name: `Around ${next}` }).waitFor();
  await stage.picture("walked", page);
  await chat.panel.locator("nav").getByRole("button", { name: "Bhutan" }).click();
  await chat.panel.getByRole("heading", { name: "Around Bhutan" }).waitFor();
  // The drawing can be walked with a pointer.
  await chat.panel.locator("svg.graph .gnode.known").first().click();
  await until("another place in the graph", async () => (await heading.innerText()) !== "Around Bhutan");
  await page.keyboard.press("Escape");
  await chat.panel.waitFor({ state: "hidden" });
  assert.match((await focused(page)).class, /mark/, "the focus is back where it came from");
}
