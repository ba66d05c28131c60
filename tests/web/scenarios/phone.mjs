// On a phone nothing is wider than the screen, what is touched is large enough for a finger, and the facts take the screen.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";

/** Buttons that are smaller than a finger needs (WCAG 2.2, 2.5.8: 24 CSS pixels); marks stand in a line of text, which is excepted. */
const small = () => {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot);
      if (!node.matches("button, a[href], input, textarea, select") || node.matches(".mark")) continue;
      const { width, height } = node.getBoundingClientRect();
      if (width > 0 && (width < 24 || height < 24)) found.push(`${node.outerHTML.slice(0, 80)}: ${width} × ${height}`);
    }
  };
  walk(document);
  return found;
};

export default async function (stage) {
  const ann = await stage.person({ phone: true });
  const page = await ann.tab();
  const chat = await new Chat(page).ready();
  const fits = async (where) => {
    const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width <= room, `${where} is ${width} wide on a screen of ${room}`);
    assert.deepEqual(await page.evaluate(small), [], where);
  };
  await stage.picture("welcome", page);
  await fits("the welcome");
  await chat.suggestions.first().tap();
  await chat.exchanges.first().locator(".answer .body, .answer .error").first().waitFor();
  const exchange = await chat.ask("What languages are spoken in Switzerland? What is the capital of Switzerland?");
  await fits("the conversation");
  await stage.picture("answered", page);
  await exchange.marks.first().tap();
  await chat.panel.waitFor();
  await fits("the facts");
  await stage.picture("facts", page);
  const { width } = await chat.panel.boundingBox();
  assert.ok(width >= 380, `the facts take ${width} of the screen`);
  await chat.panel.getByRole("button", { name: "Close", exact: true }).tap();
  await chat.panel.waitFor({ state: "hidden" });
}
