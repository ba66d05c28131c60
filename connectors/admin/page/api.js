// Asks the server, with the operator's key. The key stays in this tab.

const KEY = "loquat-operator-key";
const AGAIN = [1000, 2000, 5000, 10000];

export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

export function keep(key) {
  sessionStorage.setItem(KEY, key);
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

/** What the server says in place of an answer; `status` 401 and 403 want another key. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given).toString();
  return `/admin/api${path}${search ? `?${search}` : ""}`;
}

async function request(path, query, options = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` };
  const response = await fetch(address(path, query), { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const said = await response.json().catch(() => null);
  throw new Refused(response.status, said?.error?.message ?? `${response.status} ${response.statusText}`);
}

export async function get(path, query) {
  return (await request(path, query)).json();
}

export async function act(method, path, query) {
  return (await request(path, query, { method })).json();
}

/** Fetches a file and has the browser keep it: a link could not carry the key. */
export async function download(path, query, name) {
  const blob = await (await request(path, query)).blob();
  save(blob, name);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Follows a stream of events until `signal` says so, and connects again where it breaks. `told(name, data)`, `connected(is)`. */
export async function follow(path, query, signal, told, connected) {
  for (let tries = 0; !signal.aborted; ) {
    try {
      const response = await request(path, query, { signal });
      connected(true);
      // What happened while nobody listened is not told.
      if (tries > 0) told("many", {});
      tries = 0;
      await read(response.body, told);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) throw error;
    }
    connected(false);
    const pause = AGAIN[Math.min(tries++, AGAIN.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function read(body, told) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      const of = (field) => lines.find((line) => line.startsWith(`${field}: `))?.slice(field.length + 2);
      if (of("data") !== undefined) told(of("event") ?? "message", JSON.parse(of("data")));
    }
  }
}
