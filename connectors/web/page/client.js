// The way to the bot: requests with the guest token, which is asked for when it is needed and renewed before it ends.

import { toJson } from "./storage.js";

/** Renewed when less than this is left of it. */
const EARLY = 5 * 60_000;

/** Why a request failed: `status` is 0 where the bot was not reached. */
export class Failure extends Error {
  constructor(status, code, message, after = 0) {
    super(message);
    Object.assign(this, { status, code, after });
  }

  /** Whether the same request may work later. */
  get passes() {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "omit", referrerPolicy: "strict-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, "unreachable", "");
  }
  if (response.ok) return response;
  throw await failure(response.status, await response.text().catch(() => ""), response.headers.get("Retry-After"));
}

/** What a refusal says; it may come from a proxy, in any form. */
export function failure(status, body, after) {
  let error = {};
  try {
    error = JSON.parse(body).error ?? {};
  } catch {
    // Not the bot's own words.
  }
  return new Failure(
    status,
    error.code ?? "refused",
    error.message ?? `HTTP ${status}`,
    Math.min(Number(after) || 0, 300) * 1000,
  );
}

export class Client {
  #pending = null;
  #identity = null;

  /** `base` is the bot's address with a slash at its end; `changed()` is told when another person talks from now on. */
  constructor(base, store, changed) {
    Object.assign(this, { base, store, changed });
  }

  url(path) {
    return new URL(path, this.base).href;
  }

  async bot() {
    const asked = await this.asked;
    this.asked = null;
    return asked ?? (await request(this.url("api/bot"), { cache: "no-cache" })).json();
  }

  /** Asks who the bot is already now, while other things are loaded. */
  askEarly() {
    this.asked = this.bot().catch(() => null);
  }

  /** From now on somebody else talks, of whom nothing is known. */
  signOut() {
    this.#identity = null;
    this.store.clear();
    this.changed();
  }

  /** Whether the host site has said who talks. */
  get isKnown() {
    return this.#identity !== null;
  }

  /** A signed identity of the host site, used from now on. */
  identify(identity) {
    this.#identity = identity;
    return this.#begin({});
  }

  /** Enters with the token that the bot asks for. */
  enter(token) {
    this.#identity = null;
    return this.#begin({ token });
  }

  /** The token to use; one request at a time asks for it, however many want it. */
  async token(stale) {
    const kept = this.store.get("token");
    const left = Date.parse(this.store.get("expires") ?? "") - Date.now();
    // Another tab may have renewed it meanwhile.
    if (kept && kept !== stale && (stale || !(left < EARLY))) return kept;
    await this.#begin({});
    return this.store.get("token");
  }

  async #begin(entry) {
    this.#pending ??= this.#session(entry).finally(() => (this.#pending = null));
    return this.#pending;
  }

  async #session(entry) {
    const renew = this.store.get("token") ?? undefined;
    const identity = this.#identity ?? undefined;
    let session;
    try {
      session = await this.#ask({ ...entry, identity, renew });
    } catch (error) {
      // A token that is too old, or of another bot: begin as somebody new.
      if (!renew || error.passes || error.status === 403) throw error;
      session = await this.#ask({ ...entry, identity });
    }
    const before = this.store.get("person");
    const { token, expires_at: expires, person } = session;
    const isOther = before && before.id !== person.id;
    this.store.set({ token, expires, person, ...(isOther ? { conversation: null, outbox: [], seen: 0 } : {}) });
    if (isOther) this.changed();
    return person;
  }

  async #ask(body) {
    const headers = { "Content-Type": "application/json" };
    return (await request(this.url("api/session"), { method: "POST", headers, body: toJson(body) })).json();
  }

  /** A request under `api/` with the token; one that is refused is renewed, once. */
  async call(method, path, { json, ...options } = {}) {
    const body = json === undefined ? options.body : toJson(json);
    const send = (token) => {
      const headers = { ...options.headers, Authorization: `Bearer ${token}` };
      if (json !== undefined) headers["Content-Type"] = "application/json";
      return request(this.url(`api/${path}`), { ...options, method, headers, body });
    };
    const token = await this.token();
    try {
      return await send(token);
    } catch (error) {
      if (error.status !== 401) throw error;
      return send(await this.token(token));
    }
  }

  async get(path, options) {
    return (await this.call("GET", path, options)).json();
  }

  /** Sends a file; `progress(part)` is told how much of it is there. `fetch` does not say. */
  async upload(path, file, progress, signal) {
    const send = (token) =>
      new Promise((resolve, reject) => {
        const upload = new XMLHttpRequest();
        upload.open("POST", this.url(`api/${path}`));
        upload.setRequestHeader("Authorization", `Bearer ${token}`);
        upload.setRequestHeader("Content-Type", file.type || "application/octet-stream");
        upload.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
        upload.onload = () => {
          const { status, responseText } = upload;
          if (status < 200 || status > 299) return reject(failure(status, responseText, upload.getResponseHeader("Retry-After")));
          resolve(JSON.parse(responseText));
        };
        upload.onerror = () => reject(new Failure(0, "unreachable", ""));
        upload.onabort = () => reject(new DOMException("", "AbortError"));
        signal.addEventListener("abort", () => upload.abort());
        upload.send(file);
      });
    const token = await this.token();
    try {
      return await send(token);
    } catch (error) {
      if (error.status !== 401) throw error;
      return send(await this.token(token));
    }
  }
}
