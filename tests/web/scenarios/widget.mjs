// The widget works and looks the same inside any site: one that styles everything, one with a strict policy, one that changes the language
// itself, one that draws itself anew. Nothing of it is in the site's way.

import assert from "node:assert/strict";

import { Chat, focused } from "../chat.mjs";
import { hostPage } from "../hosts.mjs";
import { until } from "../stage.mjs";

const SITES = ["plain", "resets", "nonces", "listed", "old", "module", "inserted", "app", "quirks"];

/** How the widget's parts look, in all that a site's styles could have changed. */
const looks = (page) =>
  page.evaluate(() => {
    const root = document.querySelector("loquat-chat").shadowRoot;
    const names = ["display", "visibility", "opacity", "color", "backgroundColor", "fontSize", "fontFamily", "fontStyle", "lineHeight", "letterSpacing", "textTransform", "textAlign", "direction", "boxSizing", "padding", "margin", "borderTopWidth", "float", "position", "filter", "transform"];
    const of = (css) => {
      const node = root.querySelector(css);
      const style = getComputedStyle(node);
      const { x, y, width, height } = node.getBoundingClientRect();
      return [css, ...names.map((name) => `${name}: ${style[name]}`), ...[x, y, width, height].map((number) => Math.round(number))].join("; ");
    };
    return [".launcher", ".window", ".top", ".composer", ".composer textarea", ".question .bubble", ".answer .body", "button.mark"].map(of);
  });

export default async function (stage) {
  let usual;
  for (const name of SITES) {
    const site = await hostPage(stage, { name, port: stage.settings.port });
    const ann = await stage.person();
    const page = await ann.tab(site.url);
    const launcher = page.getByRole("button", { name: "Open chat", exact: true });
    await launcher.waitFor();
    if (name === "app") await page.getByText("Drawn anew").waitFor();
    await launcher.click();
    const chat = await new Chat(page).ready();
    await until("the focus in the field", async () => (await focused(page))?.tag === "textarea");
    // Keys as a person presses them: no short cut of the site takes them.
    await page.keyboard.type("What is the capital of Kiribati, k?".replace(", k", ""));
    await page.keyboard.press("Enter");
    const exchange = await chat.about("capital of Kiribati").finished();
    assert.match(await exchange.text(), /Tarawa/, name);
    if (name === "app") assert.equal(await page.evaluate(() => window.keys), 0, "the site's short cuts heard what was typed");
    await stage.picture(name, page);
    const look = await looks(page);
    usual ??= look;
    if (name !== "quirks") assert.deepEqual(look, usual, `the widget looks different in ${name}`);
    await exchange.marks.first().click();
    await chat.panel.waitFor();
    await page.keyboard.press("Escape");
    await chat.panel.waitFor({ state: "hidden" });
    await page.keyboard.press("Escape");
    await page.locator("dialog.window").waitFor({ state: "hidden" });
    const globals = await page.evaluate(() => Object.getOwnPropertyNames(window).filter((global) => /loquat/i.test(global)));
    assert.deepEqual(globals, ["Loquat"], "what the widget leaves behind");
    // The same person on the next page of the site.
    await page.reload();
    await launcher.click();
    await chat.about("capital of Kiribati").finished();
    assert.equal(await chat.exchanges.count(), 1);
    await page.close();
    await site.close();
  }
}
