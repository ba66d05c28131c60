// What a scenario plays on: people with browsers of their own, a record of whatever their pages did, and a word with whoever started it.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import readline from "node:readline";

import { chromium, FLAGS, program } from "./modules.mjs";

/** No scenario measures time; this only ends one that hangs. */
export const PATIENCE = Number(process.env.LOQUAT_WEB_PATIENCE ?? 60_000);

const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

export class Stage {
  /** People on the stage, each a browser context. */
  people = [];
  /** Hosts that pages may ask, besides the bot's. */
  hosts = new Set();
  /** Messages on the console that a scenario brings about on purpose. */
  allowed = [];

  static async open(name, url, settings) {
    const stage = new Stage();
    const options = { executablePath: program, args: FLAGS };
    const endpoint = process.env.LOQUAT_WEB_BROWSER;
    stage.browser = endpoint ? await chromium.connect(endpoint) : await chromium.launch(options);
    stage.name = name;
    stage.url = url.replace(/\/$/, "");
    stage.settings = settings;
    stage.hosts.add(new URL(url).host);
    stage.look = process.env.LOQUAT_LOOK;
    if (stage.look) mkdirSync(stage.look, { recursive: true });
    stage.answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    return stage;
  }

  /** Somebody with a browser that nobody has used before. `as`: phone, dark, lang, calm (reduced motion), keep (what it kept). */
  async person({ phone = false, dark = false, lang = "en-GB", calm = true, ...more } = {}) {
    const context = await this.browser.newContext({
      viewport: phone ? SIZES.phone : SIZES.desk,
      deviceScaleFactor: phone ? 2 : 1,
      isMobile: phone,
      hasTouch: phone,
      colorScheme: dark ? "dark" : "light",
      reducedMotion: calm ? "reduce" : "no-preference",
      locale: lang,
      acceptDownloads: true,
      ...more,
    });
    context.setDefaultTimeout(PATIENCE);
    const person = new Person(this, context);
    this.people.push(person);
    return person;
  }

  /** Asks whoever started the scenario to do something, and waits until it is done. */
  async ask(deed) {
    console.log(`!${deed}`);
    const { value, done } = await this.answers.next();
    assert.ok(!done, `nobody does ${deed}`);
    return value;
  }

  /** Keeps a picture of a page. */
  async picture(name, page) {
    const shown = page ?? this.people.at(-1)?.pages.at(-1);
    if (!this.look || !shown || shown.isClosed()) return;
    // Carets blink, and fonts come late.
    const options = { path: join(this.look, `${this.name}-${name}.png`), caret: "hide", animations: "disabled" };
    await shown.screenshot(options).catch((error) => console.error(`no picture: ${error.message}`));
  }

  /** Whatever the pages did that none of ours may do. */
  async check() {
    for (const person of this.people) {
      const others = person.requests.filter(({ url }) => !/^(data|blob|about):/.test(url) && !this.hosts.has(new URL(url).host));
      assert.deepEqual(others, [], "a page asked another host");
      assert.deepEqual(await person.context.cookies(), [], "a page has a cookie");
      const complaints = person.complaints.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
      assert.deepEqual(complaints, [], "a page complained");
      assert.deepEqual(person.dialogs, [], "a page showed a dialog");
    }
  }

  /** The record, for somebody who looks for what went wrong. */
  told() {
    return this.people.map((person, index) => `person ${index + 1}:\n${person.record.slice(-60).join("\n")}`).join("\n\n");
  }

  async close() {
    for (const { context } of this.people) await context.close().catch(() => {});
    // What is shared stays for the next scenario.
    await this.browser.close();
  }
}

export class Person {
  pages = [];
  requests = [];
  complaints = [];
  dialogs = [];
  record = [];

  constructor(stage, context) {
    this.stage = stage;
    this.context = context;
    context.on("request", (request) => {
      this.requests.push({ method: request.method(), url: request.url() });
      this.record.push(`${request.method()} ${request.url()}`);
    });
    context.on("requestfailed", (request) => this.record.push(`failed ${request.url()} ${request.failure()?.errorText}`));
    context.on("response", (response) => this.record.push(`${response.status()} ${response.url()}`));
    context.on("page", (page) => this.#watch(page));
  }

  #watch(page) {
    this.pages.push(page);
    const complain = (text) => {
      this.record.push(text);
      this.complaints.push(text);
    };
    page.on("console", (message) => {
      // What the browser says of a refused or broken request, a scenario sees in the page.
      const text = `console ${message.type()}: ${message.text()} ${message.location().url ?? ""}`;
      if (message.type() === "error" && !/Failed to load resource/.test(text)) complain(text);
      else this.record.push(text);
    });
    page.on("pageerror", (error) => complain(`error: ${error.stack ?? error}`));
    page.on("dialog", async (dialog) => {
      this.dialogs.push(`${dialog.type()}: ${dialog.message()}`);
      if (page.answersDialogs) await dialog.accept();
      else await dialog.dismiss();
    });
  }

  /** A new tab at an address, the bot's page where none is given. */
  async tab(url = this.stage.url) {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }
}

/** Waits until `condition` gives something, and gives that. */
export async function until(what, condition, patience = PATIENCE) {
  const begun = Date.now();
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() - begun > patience) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
