// No serious finding by axe in any state of the page, in the light and in the dark, on a desk and on a phone, in English and in Chinese.

import assert from "node:assert/strict";

import { audit } from "../axe.mjs";
import { Chat } from "../chat.mjs";
import { hostPage } from "../hosts.mjs";

export default async function (stage) {
  const looks = [{}, { dark: true }, { phone: true }, { lang: "zh-CN" }];
  for (const look of looks) {
    const name = JSON.stringify(look);
    const person = await stage.person(look);
    const page = await person.tab();
    const chat = await new Chat(page).ready();
    await audit(page, `the empty page ${name}`);
    await chat.ask("What is the capital of Bhutan? Who wrote Hamlet?");
    // An answer that comes in softly is not read while it does.
    await audit(page, `the conversation ${name}`);
    const exchange = chat.about("capital of Bhutan");
    await exchange.marks.first().click();
    await chat.panel.locator("svg.graph").waitFor();
    await audit(page, `the facts ${name}`);
    await page.keyboard.press("Escape");
    if (!look.lang) {
      await page.getByRole("button", { name: "More", exact: true }).click();
      await audit(page, `the menu ${name}`);
      await page.keyboard.press("Escape");
      await chat.choose("erase");
      await audit(page, `the dialog ${name}`);
      await page.keyboard.press("Escape");
    }
    await page.close();
    const host = await hostPage(stage, { name: "plain", port: stage.settings.port });
    const widget = await person.tab(host.url);
    await widget.locator("button.launcher").click();
    await new Chat(widget).ready();
    await new Chat(widget).ask("What is the capital of Nepal?");
    await audit(widget, `the widget ${name}`);
    await host.close();
    await widget.close();
  }
  assert.ok(audit.passed > 100, `${audit.passed} rules were looked at and held`);
}
