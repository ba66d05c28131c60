// What was said in this tab. It survives a reload, and ends with the tab.
//
// An exchange is one message and what became of it: { id, text, state, sentences, reply, reason, notice }, where the state
// is "sending", "unsent" (with a reason), "waiting", "withdrawn", "answered" (with a reply), "told" (with a notice) or
// "failed" (with a reason).

const KEY = "loquat";

/** A random UUID; `crypto.randomUUID` is missing where the page came over plain HTTP from another machine. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function stored() {
  try {
    const read = JSON.parse(sessionStorage.getItem(KEY));
    return read?.conversation && Array.isArray(read.exchanges) ? read : null;
  } catch {
    return null;
  }
}

let current = stored() ?? { conversation: uuid(), seen: null, exchanges: [] };

export const transcript = {
  get conversation() {
    return current.conversation;
  },
  get exchanges() {
    return current.exchanges;
  },
  /** The id of the last event heard. */
  get seen() {
    return current.seen;
  },
  set seen(id) {
    current.seen = id;
    this.keep();
  },
  find(id) {
    return current.exchanges.find((exchange) => exchange.id === id);
  },
  add(text) {
    const exchange = { id: uuid(), text, state: "sending", sentences: [], since: Date.now() };
    current.exchanges.push(exchange);
    this.keep();
    return exchange;
  },
  remove(id) {
    current.exchanges = current.exchanges.filter((exchange) => exchange.id !== id);
    this.keep();
  },
  startAnew() {
    current = { conversation: uuid(), seen: null, exchanges: [] };
    this.keep();
  },
  keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(current));
    } catch {
      // Storage is full or forbidden: the chat goes on, and a reload forgets it.
    }
  },
};
