// Server-sent events over `fetch`, which can send headers: what is heard, and that it goes on after every break.

const FIRST = 500;
const LONGEST = 30_000;
/** The server says something at least every 15 seconds; a connection that is silent for longer is dead, whatever it looks like. */
const SILENCE = 45_000;

/**
 * Takes pieces of an event stream, however they are cut, and calls `event(kind, data, id)` for each event in it. Data is `null` where an
 * event is an id alone.
 */
export function parser(event) {
  let rest = "";
  let kind = "";
  let data = [];
  let id;
  const line = (text) => {
    if (text === "") {
      if (data.length > 0 || id !== undefined) event(kind || "message", data.length > 0 ? data.join("\n") : null, id);
      kind = "";
      data = [];
      id = undefined;
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") kind = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
  };
  return (piece) => {
    rest += piece;
    // A carriage return at the end may be the first half of a line break.
    const end = rest.endsWith("\r") ? rest.length - 1 : rest.length;
    const lines = rest.slice(0, end).split(/\r\n|\r|\n/);
    rest = lines.pop() + rest.slice(end);
    lines.forEach(line);
  };
}

/** How long to wait after so many failures: longer each time, and never at the same time as everybody else. */
function pause(failures) {
  return Math.min(LONGEST, FIRST * 2 ** failures) * (0.5 + Math.random() / 2);
}

/**
 * Listens until the returned function is called. `connect(headers, signal)` opens the stream, `heard(kind, data)` gets its events,
 * `place.watermark` is
 * up to where it is all here, and `state(name, error)` is told "open", "lost" or "refused", after which nothing more is tried.
 */
export function listen(connect, place, heard, state) {
  const stopped = new AbortController();
  let wake = () => {};

  async function once() {
    const attempt = new AbortController();
    const end = () => attempt.abort();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(end, SILENCE);
    };
    stopped.signal.addEventListener("abort", end);
    addEventListener("offline", end);
    alive();
    try {
      const headers = { Accept: "text/event-stream", ...(place.watermark ? { "Last-Event-ID": place.watermark } : {}) };
      const response = await connect(headers, attempt.signal);
      state("open");
      const decoder = new TextDecoder();
      const take = parser((kind, data, id) => {
        if (data !== null) heard(kind, JSON.parse(data));
        if (id !== undefined) place.watermark = id;
      });
      const reader = response.body.getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        alive();
        take(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
      stopped.signal.removeEventListener("abort", end);
      removeEventListener("offline", end);
    }
  }

  async function run() {
    let failures = 0;
    while (!stopped.signal.aborted) {
      const since = Date.now();
      let problem = null;
      try {
        await once();
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (error.status && !error.passes) return state("refused", error);
        problem = error;
      }
      if (stopped.signal.aborted) return;
      state("lost", problem);
      // What was open for a while was no failure.
      failures = Date.now() - since > 10_000 ? 0 : failures + 1;
      const wait = Math.max(problem?.after ?? 0, pause(failures));
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait);
      });
    }
  }

  const hurry = () => document.visibilityState === "visible" && wake();
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  run();
  return () => {
    stopped.abort();
    wake();
    removeEventListener("online", hurry);
    document.removeEventListener("visibilitychange", hurry);
  };
}
