// Takes a picture of the chat after asking it a question: of its page, or of a site with its widget.
//
//   cd "$(mktemp -d)" && npm install playwright-core
//   node …/screenshot.mjs URL PICTURE.png QUESTION [QUESTION…] [--dark] [--phone] [--widget] [--lang zh-CN]
//
// It takes playwright-core from the working folder, so that none is left in the checkout, and the Chromium named by
// CHROMIUM, else /usr/bin/chromium. Questions are asked one after the other, and the last answer's facts are opened.
// Without a question it shows the greeting. With --widget the URL is that of a page that has the widget.

import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const { chromium } = createRequire(`${process.cwd()}/`)("playwright-core");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dark: { type: "boolean" }, phone: { type: "boolean" }, widget: { type: "boolean" }, lang: { type: "string", default: "en-GB" } },
});
const [url, picture, ...questions] = positionals;
if (!picture) throw new Error("give the page's URL and the picture's path");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const page = await browser.newPage({
  viewport: values.phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
  deviceScaleFactor: 2,
  colorScheme: values.dark ? "dark" : "light",
  locale: values.lang,
  hasTouch: values.phone,
  isMobile: values.phone,
});
await page.goto(url);
if (values.widget) await page.locator(".launcher").click();
const field = page.locator(".composer textarea");
await field.waitFor();
for (const [index, question] of questions.entries()) {
  await field.fill(question);
  await field.press("Enter");
  // What can be done with an answer comes with its end; an apology has none of that, and waiting for it would be in vain.
  const ended = page.locator(".exchange").nth(index).locator(".body, .error").first();
  await ended.waitFor({ timeout: 300_000 });
}
const marks = page.locator(".exchange").last().locator("button.mark");
if ((await marks.count()) > 0) await marks.first().click();
await page.mouse.move(0, 0);
await page.waitForTimeout(600);
await page.screenshot({ path: picture });
await browser.close();
