// What a site can set and call; the widget from right to left with words of the site's own, and on a phone; a site that may not hold it.

import assert from "node:assert/strict";

import { Chat } from "../chat.mjs";
import { hostPage } from "../hosts.mjs";
import { until } from "../stage.mjs";

export default async function (stage) {
  const { port } = stage.settings;
  const ann = await stage.person();

  const dressed = await hostPage(stage, { name: "dressed", port });
  let page = await ann.tab(dressed.url);
  await page.getByRole("button", { name: "Open chat", exact: true }).click();
  let chat = await new Chat(page).ready();
  await page.getByText("Ask the shop.").waitFor();
  assert.deepEqual(await chat.suggestions.allInnerTexts(), ["What is the capital of Peru?", "And its currency?"]);
  await stage.picture("dressed", page);
  const { x } = await page.locator("dialog.window").boundingBox();
  assert.ok(x < 100, "it stands on the left");
  // By the site's own scripts.
  const told = page.evaluate(() => new Promise((resolve) => window.Loquat.on("answer", resolve)));
  await page.evaluate(() => window.Loquat.close());
  await page.locator("dialog.window").waitFor({ state: "hidden" });
  await page.evaluate(() => window.Loquat.ask("What is the capital of Peru?"));
  assert.match((await told).text, /Lima/);
  await page.close();
  await dressed.close();

  const arabic = await hostPage(stage, { name: "arabic", port });
  page = await (await stage.person()).tab(arabic.url);
  chat = await new Chat(page).ready();
  await page.getByRole("button", { name: "أرسل", exact: true }).waitFor();
  const exchange = await chat.ask("What is the capital of Bhutan?");
  const frame = page.locator("dialog.window .chat");
  assert.equal(await frame.getAttribute("dir"), "rtl");
  const bubble = await chat.about("capital of Bhutan").question.boundingBox();
  const whole = await frame.boundingBox();
  assert.ok(bubble.x - whole.x < whole.width / 3, "what one said stands on the left");
  await stage.picture("rtl", page);
  await exchange.marks.first().click();
  await chat.panel.waitFor();
  await stage.picture("rtl-facts", page);
  await page.close();
  await arabic.close();

  const plain = await hostPage(stage, { name: "plain", port });
  page = await (await stage.person({ phone: true })).tab(plain.url);
  await page.getByRole("button", { name: "Open chat", exact: true }).tap();
  chat = await new Chat(page).ready();
  await chat.ask("What is the capital of Bhutan?");
  const { width, height } = await page.locator("dialog.window").boundingBox();
  assert.ok(width >= 390 && height >= 800, `on a phone it takes the screen, not ${width} × ${height}`);
  await stage.picture("phone", page);
  await page.close();
  await plain.close();

  // A site that the bot does not know: no chat, and the site's owner is told why; the site itself goes on.
  const other = await hostPage(stage, { name: "plain" });
  const eve = await stage.person();
  page = await eve.tab(other.url);
  await until("a word to the site's owner", async () => eve.complaints.some((text) => /Loquat: /.test(text)));
  assert.equal(await page.locator("dialog.window[open], article.exchange").count(), 0);
  assert.equal(await page.getByText("Its page.").count(), 1);
  // Nor does its script get at the bot by itself.
  const got = await page.evaluate(async (bot) => {
    const attempt = (path, options) => fetch(`${bot}${path}`, options).then((response) => response.text()).catch((error) => `refused: ${error.message}`);
    return [await attempt("/api/bot"), await attempt("/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })];
  }, stage.url);
  for (const text of got) assert.match(text, /^refused: /);
  await stage.picture("unknown", page);
  eve.complaints.length = 0;
  await other.close();
}
