// Everything works without a pointer, the focus is seen wherever it is, and it never gets lost.

import assert from "node:assert/strict";

import { Chat, focused, tabTo } from "../chat.mjs";
import { until } from "../stage.mjs";

const isSeen = (now) => assert.ok(now.ring || now.shadow, `the focus on “${now.name}” (${now.tag}.${now.class}) cannot be seen`);

export default async function (stage) {
  const ann = await stage.person();
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  await until("the field has the focus", async () => (await focused(page))?.tag === "textarea");
  await page.keyboard.type("What is the capital of Bhutan?");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("And its currency?");
  await page.keyboard.press("Enter");
  const exchange = await chat.about("capital of Bhutan").finished();
  assert.equal((await focused(page)).tag, "textarea", "the focus stays where one writes");

  // Backwards from the field: the tools of the answer, and its marks.
  isSeen(await tabTo(page, "copying", ({ name }) => name === "Copy answer", "Shift+Tab"));
  isSeen(await tabTo(page, "a mark", (now) => now.class.includes("mark"), "Shift+Tab"));
  await stage.picture("mark", page);
  await page.keyboard.press("Enter");
  await chat.panel.waitFor();
  await tabTo(page, "a neighbour", (now) => now.class.includes("gstep"));
  isSeen(await focused(page));
  await page.keyboard.press("Enter");
  await until("a walk", async () => (await chat.panel.locator("nav").count()) === 1);
  assert.ok(await focused(page), "the focus is not lost on the way");
  await page.keyboard.press("Escape");
  await chat.panel.waitFor({ state: "hidden" });
  assert.match((await focused(page)).class, /mark/);

  // The question is edited, and left as it was.
  await tabTo(page, "editing", ({ name }) => name === "Edit question", "Shift+Tab");
  isSeen(await focused(page));
  await page.keyboard.press("Enter");
  await until("the editor", async () => (await focused(page))?.name === "Your question");
  await page.keyboard.press("Escape");
  assert.equal((await focused(page)).name, "Edit question");

  // The menu by arrows, and a dialog that is left.
  await tabTo(page, "the menu", ({ name }) => name === "More", "Shift+Tab");
  isSeen(await focused(page));
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  assert.equal((await focused(page)).name, "Delete my data");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await stage.picture("dialog", page);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal((await focused(page))?.name, "More", "the focus is back at the menu");
  assert.match(await exchange.text(), /Thimphu/);
}
