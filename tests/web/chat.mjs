// The chat as a person finds it, by what it is called and what it is for, as the page or as a widget. Where its elements have no name for a
// person, what the style sheet calls them stands here and nowhere else.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./stage.mjs";

/** What the page's parts are called in English; see connectors/web/page/words. */
const ENGLISH = { more: "More", exportMarkdown: "Save as Markdown", exportJson: "Save as JSON", erase: "Delete my data", eraseYes: "Delete everything" };

export class Chat {
  constructor(page) {
    this.page = page;
    this.launcher = page.locator("button.launcher");
    this.field = page.locator(".composer textarea");
    this.send = page.locator(".composer button.primary");
    this.exchanges = page.locator("article.exchange");
    this.welcome = page.locator(".welcome");
    this.suggestions = page.locator(".suggestions button");
    this.notice = page.locator(".notice");
    this.panel = page.locator("aside.facts");
    this.announced = page.locator("[role=status].unseen");
  }

  /** Opens the widget where it did not open itself, as it does for somebody who left it open: it does so as its button appears. */
  async open() {
    await this.launcher.waitFor();
    if ((await this.launcher.getAttribute("aria-expanded")) === "false") await this.launcher.click();
  }

  /** Waits until it may be written to. */
  async ready() {
    await this.field.waitFor();
    return this;
  }

  async write(text) {
    await this.field.fill(text);
    await this.send.click();
  }

  /** The exchange with this question in it, the last one where it was asked more than once. */
  about(question) {
    return new Exchange(this.exchanges.filter({ hasText: question }).last());
  }

  /** Asks, and waits for the whole answer. */
  async ask(question) {
    await this.write(question);
    return this.about(question).finished();
  }

  /** Chooses from the menu. */
  async choose(item) {
    await this.page.getByRole("button", { name: ENGLISH.more, exact: true }).click();
    await this.page.getByRole("button", { name: ENGLISH[item], exact: true }).click();
  }

  async confirmErasing() {
    await this.page.getByRole("button", { name: ENGLISH.eraseYes, exact: true }).click();
  }

  /** Fails where a question does not stand on the page just once, with one answer. */
  async assertOnce(question, answer) {
    assert.equal(await this.exchanges.filter({ hasText: question }).count(), 1, `“${question}” stands there once`);
    const exchange = this.about(question);
    assert.match(await exchange.text(), answer);
    assert.equal(await exchange.root.locator(".answer .body").count(), 1);
  }
}

export class Exchange {
  constructor(root) {
    this.root = root;
    this.body = root.locator(".answer .body");
    this.question = root.locator(".question .bubble");
    this.marks = root.locator("button.mark");
    this.error = root.locator(".answer .error");
  }

  /** Waits for the whole answer. */
  async finished() {
    await this.root.locator(".answer .body, .answer .error").first().waitFor();
    return this;
  }

  async text() {
    return (await this.body.innerText()).trim();
  }

  button(name) {
    return this.root.getByRole("button", { name, exact: true });
  }
}

/** Where the keyboard's focus is, shadow roots included: what a screen reader would call it. */
export const focused = (page) =>
  page.evaluate(() => {
    let node = document.activeElement;
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
    if (!node || node === document.body) return null;
    const style = getComputedStyle(node);
    const { width, height } = node.getBoundingClientRect();
    return {
      tag: node.localName,
      class: node.className,
      name: node.getAttribute("aria-label") || node.innerText || node.placeholder || "",
      ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
      shadow: style.boxShadow !== "none",
      size: [width, height],
    };
  });

/** Presses Tab until the focus is on something that fits. */
export async function tabTo(page, what, fits, key = "Tab") {
  const passed = [];
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press(key);
    const now = await focused(page);
    passed.push(now && `${now.tag} “${now.name.slice(0, 40)}”`);
    if (now && fits(now)) return now;
  }
  throw new Error(`${what} is out of reach of the keyboard: ${passed.join(", ")}`);
}

/** Watches a page for drafts: what an answer said before it was whole. */
export async function watchDrafts(page) {
  await page.evaluate(() => {
    window.seenDrafts = [];
    const look = (root) => {
      for (const words of root.querySelectorAll(".answer > .words")) {
        if (window.seenDrafts.at(-1) !== words.textContent) window.seenDrafts.push(words.textContent);
      }
    };
    const roots = [document, ...[...document.querySelectorAll("*")].map((node) => node.shadowRoot).filter(Boolean)];
    for (const root of roots) new MutationObserver(() => look(root)).observe(root, { childList: true, subtree: true, characterData: true });
  });
  return () => page.evaluate(() => window.seenDrafts);
}

/** Waits until a locator is there so many times. */
export const count = (locator, wanted) => until(`${wanted} of ${locator}`, async () => (await locator.count()) === wanted);

/** The bytes of a download, wherever the browser is. */
export async function read(download) {
  const folder = await mkdtemp(join(tmpdir(), "loquat-web-"));
  try {
    await download.saveAs(join(folder, "file"));
    return await readFile(join(folder, "file"));
  } finally {
    await rm(folder, { recursive: true });
  }
}
