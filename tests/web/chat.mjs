// The chat as a person finds it, by what it is called and what it is for. What a page's elements are named in its style sheet stands here
// and nowhere else.

import { until } from "./stage.mjs";

export class Chat {
  constructor(page) {
    this.page = page;
    this.field = page.locator("#message");
    this.exchanges = page.locator(".exchange");
  }

  /** Waits until it may be written to. */
  async ready() {
    await this.field.waitFor();
    return this;
  }

  async write(text) {
    await this.field.fill(text);
    await this.page.locator("#send").click();
  }

  /** The exchange with this question in it, the last one where it was asked more than once. */
  about(question) {
    return new Exchange(this.exchanges.filter({ hasText: question }).last());
  }

  /** Asks, and waits for the whole answer. */
  async ask(question) {
    await this.write(question);
    const exchange = this.about(question);
    await exchange.finished();
    return exchange;
  }
}

export class Exchange {
  constructor(root) {
    this.root = root;
    this.body = root.locator(".body");
    this.marks = root.locator("button.mark");
  }

  /** Waits for the whole answer: its line of details ends it. */
  async finished() {
    await this.root.locator(".details, .error").first().waitFor();
    return this;
  }

  async text() {
    return (await this.body.innerText()).trim();
  }
}
