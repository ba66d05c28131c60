// The way to the bot: messages go, events come. All addresses are relative, so a proxy may serve the page in a folder.

const JSON_HEADERS = { "Content-Type": "application/json" };
const REOPEN = 3000;

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw Object.assign(new Error(body.error ?? response.statusText), { status: response.status });
}

/** The bot's name, greeting and suggestions; fails with status 401 where a token is needed. */
export async function bot() {
  return (await ask("api/bot")).json();
}

export async function login(token) {
  await ask("api/login", { method: "POST", headers: JSON_HEADERS, body: JSON.stringify({ token }) });
}

/** Returns once the bot has the message for good. */
export async function send(conversation, id, text) {
  const body = JSON.stringify({ id, text });
  await ask(`api/conversations/${conversation}/messages`, { method: "POST", headers: JSON_HEADERS, body });
}

/**
 * Listens to a conversation until the returned function is called. `seen` gives the id of the last event heard, and
 * `on` takes: draft, withdrawn, reply, problem and notice (data, id), open() and lost().
 */
export function listen(conversation, seen, on) {
  let source;
  let timer;
  const open = () => {
    const after = seen() ? `?after=${encodeURIComponent(seen())}` : "";
    source = new EventSource(`api/conversations/${conversation}/events${after}`);
    source.onopen = on.open;
    source.onerror = () => {
      on.lost();
      // The browser reconnects by itself, unless the server answered with a refusal.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, REOPEN);
    };
    for (const kind of ["draft", "withdrawn", "reply", "problem", "notice"]) {
      source.addEventListener(kind, (event) => on[kind](JSON.parse(event.data), event.lastEventId));
    }
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
