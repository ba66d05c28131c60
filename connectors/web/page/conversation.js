// One conversation as this page knows it. The journal behind the bot is the truth: what is heard is kept by id, so it may come twice,
// and only what was not sent yet is kept here.
//
// An exchange is what the API calls one, with `draft`, `error` and two states of our own: "sending" and "unsent".

import { grown } from "./draft.js";
import { uuid } from "./element.js";
import { listen } from "./stream.js";

const PAGE = 50;
/** A stream is let go after being out of sight for this long: browsers allow few connections to one server. */
const HIDDEN = 60_000;
const OPEN = ["sending", "waiting"];

/** Whether an answer is still to come. */
export const isOpen = (exchange) => OPEN.includes(exchange.state);

/** Whether the conversation is not there any more, or not this person's. */
const isLost = (error) => [403, 404, 410].includes(error.status);

export class Conversation {
  #exchanges = new Map();
  #edits = new Map();
  #early = new Map();
  #stop = null;
  #sending = false;
  #failures = 0;
  #timer = null;
  #place = { watermark: null };
  more = false;

  /** `on` is told: shown(exchange, isFresh), connection(name, error), refused(error), emptied(). */
  constructor(client, store, on) {
    Object.assign(this, { client, store, on, id: store.get("conversation") });
    this.#unsent();
    addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hiding);
      if (document.visibilityState === "visible") return this.listen();
      this.hiding = setTimeout(() => this.list().some(isOpen) || this.pause(), HIDDEN);
    });
  }

  /** The exchanges in order; what the bot does not have yet comes last. */
  list() {
    const place = (exchange) => exchange.sequence ?? Infinity;
    const all = [...this.#exchanges.values()];
    return all.sort((one, other) => (place(one) === place(other) ? one.order - other.order : place(one) - place(other)));
  }

  /** The exchange with this id, or the one that it edits. */
  find(id) {
    return this.#exchanges.get(this.#edits.get(id) ?? id);
  }

  #add(exchange) {
    const made = { attachments: [], order: this.#exchanges.size, ...exchange };
    this.#exchanges.set(made.id, made);
    return made;
  }

  #unsent() {
    const messages = this.#outbox().filter((message) => !message.edits);
    return messages.map((message) => this.#add({ ...message, state: "sending" }));
  }

  // Listening.

  listen() {
    if (this.#stop || !this.id) return;
    const path = `conversations/${this.id}/events`;
    const connect = (headers, signal) => this.client.call("GET", path, { headers, signal, cache: "no-store" });
    this.#stop = listen(
      connect,
      this.#place,
      (kind, data) => this.#heard(kind, data),
      (state, error) => {
        if (state === "open") this.flush();
        if (state === "refused") {
          this.pause();
          if (isLost(error)) this.#lost();
          else this.on.refused(error);
        }
        this.on.connection(state, error);
      },
    );
  }

  pause() {
    this.#stop?.();
    this.#stop = null;
  }

  #heard(kind, data) {
    if (kind === "message") this.take(data);
    else if (kind === "erased") this.forget();
    else if (kind === "draft") this.#drafted(data);
    else if (kind === "withdrawn") this.#withdrawn(data);
    else if (["reply", "notice", "problem"].includes(kind)) this.#answered(data, kind);
  }

  /** An exchange as the bot has it. */
  take(data) {
    let exchange = data.edits && this.find(data.edits);
    if (exchange && exchange.id !== data.id) {
      this.#edits.set(data.id, exchange.id);
      const { id, sequence, text, state, answer } = data;
      if (exchange.edit?.sequence > sequence) return;
      Object.assign(exchange, { text, edit: { id, sequence } });
      if (answer) Object.assign(exchange, { answer, state, draft: null });
      // One that is answered has its answer in the next event.
      else if (OPEN.includes(state)) Object.assign(exchange, { answer: null, state, draft: null });
    } else {
      exchange = this.#exchanges.get(data.id) ?? this.#add({ id: data.id, state: data.state });
      const { answer, state, text, ...rest } = data;
      Object.assign(exchange, rest);
      if (!exchange.edit) exchange.text = text;
      if (answer && !exchange.edit) Object.assign(exchange, { answer, state });
      else if (!exchange.answer && !exchange.edit) exchange.state = state;
    }
    this.on.shown(exchange, false);
    const early = this.#early.get(data.id);
    this.#early.delete(data.id);
    if (early) this.#answered(early.data, early.kind);
    if (this.#exchanges.size === PAGE && !this.paged) this.more = true;
  }

  #drafted(data) {
    const exchange = this.find(data.in_reply_to);
    if (!exchange || exchange.answer || exchange.isStopped) return;
    const draft = grown(exchange.draft, data);
    if (!draft) return;
    Object.assign(exchange, { state: "waiting", draft });
    this.on.shown(exchange, false);
  }

  #withdrawn(data) {
    const exchange = this.find(data.in_reply_to);
    if (!exchange || exchange.answer) return;
    // What is changed is answered in another form.
    const state = exchange.edit && isOpen(exchange) ? exchange.state : "withdrawn";
    Object.assign(exchange, { state, draft: null });
    this.on.shown(exchange, false);
  }

  #answered(data, kind) {
    const exchange = this.find(data.in_reply_to);
    if (!exchange) return void this.#early.set(data.in_reply_to, { data, kind });
    const isFresh = isOpen(exchange) || exchange.state === "unsent";
    const state = { reply: "answered", notice: "told", problem: "failed" }[kind];
    Object.assign(exchange, { answer: data, state, draft: null, error: null });
    this.#sent(exchange.id);
    this.on.shown(exchange, isFresh);
  }

  /** Exchanges before those that are here. */
  async earlier() {
    const first = this.list().find((exchange) => exchange.sequence !== undefined)?.sequence;
    const before = first === undefined ? "" : `&before=${first}`;
    const { exchanges, more } = await this.client.get(`conversations/${this.id}/exchanges?limit=${PAGE}${before}`);
    this.more = more;
    this.paged = true;
    exchanges.forEach((exchange) => this.take(exchange));
  }

  /** Every exchange there is, out of the journal. */
  async all() {
    const all = [];
    for (let more = Boolean(this.id); more;) {
      const before = all.length > 0 ? `&before=${all[0].sequence}` : "";
      const page = await this.client.get(`conversations/${this.id}/exchanges?limit=${PAGE}${before}`);
      all.unshift(...page.exchanges);
      more = page.more && page.exchanges.length > 0;
    }
    return all;
  }

  // Sending.

  #outbox() {
    return this.store.get("outbox") ?? [];
  }

  #keep(message) {
    this.store.set({ outbox: [...this.#outbox().filter(({ id }) => id !== message.id), message] });
  }

  #sent(id) {
    const left = this.#outbox().filter((message) => message.id !== id);
    if (left.length < this.#outbox().length) this.store.set({ outbox: left });
  }

  /** The conversation's id; the first thing that is said begins it. */
  async begin() {
    if (!this.id) {
      this.beginning ??= this.#began().finally(() => (this.beginning = null));
      const { id } = await this.beginning;
      if (!this.id) this.store.set({ conversation: (this.id = id), seen: 0 });
    }
    this.listen();
    return this.id;
  }

  async #began() {
    return (await this.client.call("POST", "conversations")).json();
  }

  ask(text, attachments = []) {
    const exchange = this.#add({ id: uuid(), text, attachments, state: "sending" });
    const { id } = exchange;
    this.#keep({ id, text, attachments });
    this.on.shown(exchange, false);
    this.flush();
    return exchange;
  }

  /** The question with another text; it is answered again. */
  edit(exchange, text) {
    const id = uuid();
    this.#edits.set(id, exchange.id);
    Object.assign(exchange, {
      text,
      answer: null,
      draft: null,
      state: "sending",
      error: null,
      isStopped: false,
      edit: { id, sequence: -1 },
    });
    this.#keep({ id, text, edits: exchange.id });
    this.on.shown(exchange, false);
    this.flush();
  }

  /** Sends what is not sent, one after the other, again and again. */
  async flush() {
    if (this.#sending) return;
    this.#sending = true;
    clearTimeout(this.#timer);
    let hasBegunAgain = false;
    try {
      for (let message; (message = this.#outbox().find(({ id, edits }) => this.find(edits ?? id)));) {
        const exchange = this.find(message.edits ?? message.id);
        if (exchange.state === "unsent") this.#mark(exchange, "sending", null);
        try {
          await this.#post(message);
          this.#sent(message.id);
          this.#failures = 0;
          // The answer may have been faster.
          if (exchange.state === "sending") this.#mark(exchange, "waiting", null);
        } catch (error) {
          if (isLost(error) && !message.edits && this.id && !hasBegunAgain) {
            hasBegunAgain = true;
            this.#lost();
            continue;
          }
          if (!error.passes && error.status !== 401) {
            this.#sent(message.id);
            this.#mark(exchange, "unsent", error);
            continue;
          }
          if (exchange.state === "sending") this.#mark(exchange, "unsent", error);
          if (error.status === 401) return this.on.refused(error);
          const wait = Math.max(error.after, Math.min(30_000, 1000 * 2 ** this.#failures++) * (0.5 + Math.random() / 2));
          this.#timer = setTimeout(() => this.flush(), wait);
          return;
        }
      }
    } finally {
      this.#sending = false;
    }
  }

  async #post({ id, text, attachments = [], edits }) {
    const conversation = await this.begin();
    const messages = `conversations/${conversation}/messages`;
    if (edits) return this.client.call("PUT", `${messages}/${edits}`, { json: { id, text } });
    const files = attachments.map((file) => file.id);
    const json = { id, text, ...(files.length > 0 ? { attachments: files } : {}) };
    return this.client.call("POST", messages, { json });
  }

  #mark(exchange, state, error) {
    if (this.#exchanges.get(exchange.id) !== exchange) return;
    Object.assign(exchange, { state, error });
    this.on.shown(exchange, false);
  }

  /** Sends what could not be sent, now. */
  again(exchange) {
    const { id, text, attachments, edit } = exchange;
    this.#keep(edit ? { id: edit.id, text, edits: id } : { id, text, attachments });
    this.#mark(exchange, "sending", null);
    this.flush();
  }

  /** Takes back what is not answered. */
  async stop(exchange) {
    const isUnsent = exchange.sequence === undefined && exchange.state !== "waiting";
    exchange.isStopped = true;
    this.#sent(exchange.edit?.id ?? exchange.id);
    if (isUnsent) this.#mark(exchange, "withdrawn", null);
    if (this.id) await this.client.call("DELETE", `conversations/${this.id}/messages/${exchange.id}?id=${uuid()}`);
    if (!exchange.answer) this.#mark(exchange, "withdrawn", null);
  }

  press(exchange, button) {
    const about = exchange.answer.in_reply_to;
    return this.client.call("POST", `conversations/${this.id}/messages/${about}/presses`, { json: { id: uuid(), button } });
  }

  feedback(exchange, text) {
    const about = exchange.answer.in_reply_to;
    return this.client.call("POST", `conversations/${this.id}/messages/${about}/feedback`, { json: { id: uuid(), text } });
  }

  // Other conversations.

  /** Goes on with another conversation; without an id, with a new one. */
  startAnew(id = null) {
    this.pause();
    clearTimeout(this.#timer);
    this.id = id;
    for (const map of [this.#exchanges, this.#edits, this.#early]) map.clear();
    this.#place = { watermark: null };
    Object.assign(this, { more: false, paged: false });
    this.store.set({ conversation: id, outbox: [], seen: 0 });
    this.on.emptied();
    this.listen();
  }

  /** What is not sent yet begins another conversation. */
  #lost() {
    const outbox = this.#outbox().filter((message) => !message.edits);
    this.startAnew();
    this.store.set({ outbox });
    this.#unsent().forEach((exchange) => this.on.shown(exchange, false));
    this.flush();
  }

  /** The person's data is gone. */
  forget() {
    this.startAnew();
  }
}
