// The chat itself: puts its parts together, sends what is written, and shows what the bot says. It lives in a shadow root, on the
// page and in the widget alike.

import { composer } from "./composer.js";
import { Conversation, isOpen } from "./conversation.js";
import { element, icon, iconButton } from "./element.js";
import { exchangeView } from "./exchange.js";
import { exportConversation } from "./export.js";
import { eraseDialog, historyView, loginForm, menu } from "./menu.js";
import { factsPanel } from "./panel.js";

const NEAR = 120;
const isAbout = (exchange) => Boolean(exchange.about) && !exchange.edits;
const ratingOf = (exchange) => /^(good|bad)\./.exec(exchange.button ?? "")?.[1];
/** Ratings and reasons are shown at the answer that they are about. */
const isQuiet = (exchange) => isAbout(exchange) && (!exchange.button || Boolean(ratingOf(exchange)));

/**
 * Builds the chat. `settings` has: client, store, words, data (the attributes), isWidget, mark(size) (the logo), isShown() (whether a
 * person can see it), close(button or null), tell(event, detail).
 */
export function chat({ client, store, words, data, isWidget, mark, isShown, close, tell }) {
  const views = new Map();
  let bot = null;
  let field = null;
  let panel = null;
  let isShut = false;
  let conversation;
  let noticeTimer;
  const unread = new Set();

  // The frame.

  const title = element(isWidget ? "h2" : "h1", { class: "title" });
  const announce = element("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const notice = element("p", { class: "notice", role: "status" });
  const latest = element(
    "button",
    { type: "button", class: "latest", hidden: true, onclick: () => toEnd(true) },
    icon("down"),
    words("latest"),
  );
  const earlier = element(
    "button",
    { type: "button", class: "quiet earlier", hidden: true, onclick: () => loadEarlier() },
    words("earlier"),
  );
  const welcome = element("section", { class: "welcome", hidden: true });
  const log = element("div", { class: "log", role: "log", "aria-live": "off", "aria-label": words("conversation") });
  const login = loginForm(words, async (token) => {
    await client.enter(token);
    enter();
  });
  const members = element("p", { class: "login", role: "status", hidden: true }, words("members"));
  const scroller = element("div", { class: "scroll", tabIndex: -1 }, login.form, members, welcome, earlier, log);
  const foot = element("footer", { class: "foot", hidden: true }, latest, notice);
  const history = historyView(words, {
    load: async () => (await client.get("conversations?limit=50")).conversations,
    open: (id) => id === conversation.id || conversation.startAnew(id),
    say: (text) => say(text),
    covers: (isCovered) => (head.inert = middle.inert = isCovered),
  });
  const confirm = eraseDialog(words, async () => {
    await client.call("DELETE", "me");
    conversation.forget();
    store.clear();
    say(words("erased"));
  });
  const isEmpty = () => !conversation || conversation.list().length === 0;
  const save = (kind) =>
    exportConversation(kind, conversation, bot, words).catch((error) => say(error.message || words("unreachable")));
  const more = menu(words, [
    { label: words("anew"), run: () => startAnew(), isHidden: isEmpty },
    { label: words("history"), run: (button) => history.show(button) },
    { label: words("exportMarkdown"), run: () => save("md"), isHidden: isEmpty },
    { label: words("exportJson"), run: () => save("json"), isHidden: isEmpty },
    { label: words("human"), run: () => ask("/human"), isHidden: () => !bot?.human },
    { label: words("erase"), run: () => confirm.showModal() },
  ]);
  const anew = element(
    "button",
    { type: "button", class: "quiet anew", hidden: true, onclick: () => startAnew() },
    words("anew"),
  );
  const closer = close ? iconButton("close", words("close"), () => close(true)) : null;
  const head = element("header", { class: "top" }, mark(28), title, anew, more.box, closer);
  const column = element("div", { class: "column" }, scroller, foot);
  const middle = element(isWidget ? "div" : "main", { class: "middle" }, column);
  const drop = element("div", { class: "drop", hidden: true }, icon("attach"), element("span", {}, words("drop")));
  const frame = element(
    "div",
    { class: "chat", lang: words.language, dir: words.direction },
    head,
    middle,
    history.view,
    drop,
    confirm,
    announce,
  );
  more.box.hidden = true;
  frame.addEventListener("pointerdown", (event) => more.close(event));

  // What is said beside the conversation.

  function say(text) {
    clearTimeout(noticeTimer);
    notice.classList.remove("good");
    notice.textContent = text;
    if (text) noticeTimer = setTimeout(() => (notice.textContent = ""), 6000);
  }

  function connection(state, error) {
    clearTimeout(noticeTimer);
    if (state === "open") {
      if (notice.textContent === "") return;
      notice.textContent = words("regained");
      notice.classList.add("good");
      noticeTimer = setTimeout(() => (notice.textContent = ""), 2500);
    } else if (state === "lost") {
      // A short gap, as when a proxy ends a long connection, is not worth a word.
      const show = () => {
        notice.classList.remove("good");
        notice.textContent = navigator.onLine ? (error?.status && error.message) || words("lost") : words("offline");
      };
      noticeTimer = setTimeout(show, navigator.onLine ? 1500 : 0);
    }
  }

  function refused(error) {
    if (error.status === 401 && bot.entry !== "open") shut();
    else say(error.message || words("unreachable"));
  }

  // The newest answer stays in sight, unless the person has scrolled up to read.

  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
  const toEnd = (isSoft = false) => {
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: isSoft && !isCalm.matches ? "smooth" : "instant" });
  };
  let wasAtEnd = true;

  function following(update) {
    wasAtEnd = atEnd();
    update();
    if (wasAtEnd) toEnd();
    else latest.hidden = atEnd();
  }

  scroller.addEventListener("scroll", () => atEnd() && (latest.hidden = true), { passive: true });
  // What grows later, such as a picture, or shrinks, such as a phone with its keyboard.
  scroller.addEventListener("scroll", () => (wasAtEnd = atEnd()), { passive: true });
  new ResizeObserver(() => wasAtEnd && toEnd()).observe(scroller);

  // Exchanges on the page.

  const act = {
    edit: (exchange, text) => conversation.edit(exchange, text),
    again: (exchange) => conversation.again(exchange),
    retry: (exchange) => ask(exchange.text, exchange.attachments),
    press: (exchange, button) => attempt(() => conversation.press(exchange, button.id)),
    feedback: (exchange, text) => attempt(() => conversation.feedback(exchange, text)),
    openFact: (reply, number, button) => panel.open(reply, number, button),
    load: async (file) =>
      (await client.call("GET", `conversations/${conversation.id}/files/${encodeURIComponent(file.id)}`)).blob(),
    focus: () => field.focus(),
    /** What the button said that began this exchange. */
    labelOf: ({ about, button }) =>
      (conversation.find(about)?.answer?.buttons ?? []).flat().find(({ id }) => id === button)?.label,
  };

  async function attempt(run) {
    try {
      await run();
      return true;
    } catch (error) {
      refused(error);
      return false;
    }
  }

  function shown(exchange, isFresh) {
    if (isQuiet(exchange)) {
      const about = conversation.find(exchange.about);
      if (about && views.has(about.id)) showRating(about);
      return;
    }
    following(() => {
      if (!views.has(exchange.id)) {
        const replyOf = (id) => (id ? conversation.find(id)?.answer?.reply : null);
        views.set(exchange.id, exchangeView(exchange, { bot, words, act, replyOf, heading: isWidget ? "h3" : "h2" }));
      }
      const view = views.get(exchange.id);
      view.update(exchange);
      showRating(exchange);
      place(view.article, exchange);
      showAll();
    });
    if (isFresh) answered(exchange);
    else if (!isShown() && exchange.answer && exchange.sequence > (store.get("seen") ?? Infinity)) missed(exchange);
    if (isShown()) seen();
  }

  /** The last rating of the answer that stands there; older exchanges, and older ratings, may come later. */
  function showRating(exchange) {
    const ids = (exchange.answer?.buttons ?? []).flat().map(({ id }) => id);
    const last = conversation.list().findLast((other) => ratingOf(other) && ids.includes(other.button));
    if (last) views.get(exchange.id).rated(ratingOf(last));
  }

  /** Articles stand in the order of the journal; most come last. */
  function place(article, exchange) {
    const list = conversation.list();
    const at = list.indexOf(exchange);
    const next =
      list
        .slice(at + 1)
        .map(({ id }) => views.get(id)?.article)
        .find((other) => other?.isConnected) ?? null;
    if (!article.isConnected || article.nextSibling !== next) log.insertBefore(article, next);
  }

  function answered(exchange) {
    const { answer } = exchange;
    const words_ = views.get(exchange.id).article.querySelector(".answer .words");
    const note = answer.reply?.outcome === "abstained" ? `${words("abstained")}. ` : "";
    const text = answer.reply?.answer ?? answer.reason ?? words_?.innerText ?? "";
    announce.textContent = `${words("answers", { name: bot.name })} ${note}${text}`;
    tell("answer", { id: exchange.id, text, outcome: answer.reply?.outcome ?? null });
    if (!isShown()) missed(exchange);
  }

  function missed({ id }) {
    const before = unread.size;
    if (unread.add(id).size > before) tell("unread", { count: unread.size });
  }

  function caughtUp() {
    if (unread.size === 0) return;
    unread.clear();
    tell("unread", { count: 0 });
  }

  function seen() {
    caughtUp();
    const last = Math.max(
      0,
      ...conversation
        .list()
        .filter(({ answer }) => answer)
        .map(({ sequence = 0 }) => sequence),
    );
    if (last > (store.get("seen") ?? 0)) store.set({ seen: last });
  }

  function showAll() {
    const empty = isEmpty();
    welcome.hidden = !empty;
    anew.hidden = empty;
    earlier.hidden = !conversation.more;
    field.waiting = conversation.list().some((exchange) => isOpen(exchange) && !isQuiet(exchange));
  }

  function emptied() {
    views.clear();
    log.replaceChildren();
    panel?.hide(true);
    field?.clearFiles();
    if (bot) showAll();
    caughtUp();
  }

  async function loadEarlier() {
    earlier.disabled = true;
    const before = scroller.scrollHeight - scroller.scrollTop;
    await attempt(() => conversation.earlier());
    earlier.disabled = false;
    showAll();
    scroller.scrollTop = scroller.scrollHeight - before;
  }

  // Doing.

  function ask(text, files = []) {
    const exchange = conversation.ask(text, files);
    tell("message", { id: exchange.id, text });
    toEnd();
  }

  function stop() {
    const open = conversation.list().filter(isOpen);
    open.forEach((exchange) => attempt(() => conversation.stop(exchange)));
  }

  function startAnew() {
    conversation.startAnew();
    field.focus();
  }

  // Files that are dragged over the chat.

  let over = 0;
  const dragged = (event) => field?.takesFiles && [...(event.dataTransfer?.types ?? [])].includes("Files");
  const hold = (event) => {
    if (!dragged(event)) return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  frame.addEventListener("dragenter", (event) => hold(event) && (drop.hidden = ++over === 0));
  frame.addEventListener("dragover", hold);
  frame.addEventListener("dragleave", () => (drop.hidden = (over = Math.max(0, over - 1)) === 0));
  frame.addEventListener("drop", (event) => {
    over = 0;
    drop.hidden = true;
    if (hold(event)) field.drop([...event.dataTransfer.files]);
  });

  // Starting.

  /** Nobody comes in as they are: the token is asked for, or it is said that the site alone lets people in. */
  function shut() {
    isShut = true;
    conversation.pause();
    foot.hidden = welcome.hidden = true;
    more.box.hidden = true;
    const isAsked = bot.entry === "token";
    login.form.hidden = !isAsked;
    members.hidden = isAsked;
    if (isAsked && isShown()) login.focus();
  }

  function dress() {
    const name = data.title || bot.name;
    title.textContent = name;
    tell("named", { name });
    const suggestions = suggestionsOf(data.suggestions) ?? bot.suggestions ?? [];
    const button = (text) =>
      element("li", {}, element("button", { type: "button", dir: "auto", onclick: () => ask(text) }, text));
    const greeting = element(
      "h2",
      { class: "greeting", dir: "auto", id: "greeting" },
      data.greeting || bot.greeting || words("ask", { name }),
    );
    const list =
      suggestions.length > 0
        ? element("ul", { class: "suggestions", "aria-label": words("suggestions") }, ...suggestions.map(button))
        : null;
    welcome.setAttribute("aria-labelledby", "greeting");
    welcome.replaceChildren(...[mark(72), greeting, list].filter(Boolean));
    field = composer({
      bot: { ...bot, name },
      words,
      submit: ask,
      stop,
      upload: async (file, progress, signal) => {
        const id = await conversation.begin();
        return client.upload(`conversations/${id}/files?name=${encodeURIComponent(file.name || "file")}`, file, progress, signal);
      },
    });
    const graph = bot.explore ? (id, limit, language) => client.get(`entities/${encodeURIComponent(id)}?limit=${limit}&language=${encodeURIComponent(language)}`) : null;
    panel = factsPanel({ words, graph, changed: opened });
    middle.append(panel.panel);
    foot.append(field.form, field.hint);
  }

  /** Where the panel of facts covers the conversation, that is out of reach. */
  function opened(isOpen) {
    frame.classList.toggle("split", isOpen);
    column.inert = isOpen && getComputedStyle(panel.panel).position === "absolute";
  }

  function enter() {
    isShut = false;
    login.form.hidden = members.hidden = true;
    if (!field) dress();
    foot.hidden = false;
    more.box.hidden = false;
    showAll();
    conversation.list().forEach((exchange) => shown(exchange, false));
    conversation.listen();
    conversation.flush();
    field.fit();
    tell("ready", {});
  }

  /** Asks who the bot is until it says so. */
  async function start() {
    for (let tries = 0; !bot; tries++) {
      try {
        bot = await client.bot();
      } catch (error) {
        foot.hidden = false;
        notice.textContent = error.status ? error.message : words("unreachable");
        await new Promise((resolve) => setTimeout(resolve, Math.min(30_000, 1000 * 2 ** tries) * (0.5 + Math.random() / 2)));
      }
    }
    notice.textContent = "";
    conversation = new Conversation(client, store, { shown, connection, refused, emptied });
    client.changed = () => conversation.startAnew();
    if (bot.entry !== "open" && !store.get("token") && !client.isKnown) shut();
    else enter();
  }

  function escape() {
    if (!panel?.isOpen) return false;
    panel.hide();
    return true;
  }

  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && escape()) event.preventDefault();
  });

  const started = start();
  return {
    frame,
    started,
    focus: () => (login.form.hidden ? field?.focus() : login.focus()),
    /** Lets somebody in whom the site has named since. */
    admit: () => started.then(() => isShut && enter()),
    /** Sends a text as if the person had written it. */
    ask: (text) => started.then(() => ask(text)),
    seen: () => started.then(() => seen()),
    /** Closes the panel of facts; whether it was open. */
    escape,
    pause: () => conversation?.pause(),
    resume: () => field && !isShut && conversation.listen(),
  };
}

/** Suggestions as an attribute says them: a JSON list, or lines parted by `|`. */
function suggestionsOf(text) {
  if (text === undefined) return null;
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // Lines, then.
  }
  return text
    .split("|")
    .map((line) => line.trim())
    .filter(Boolean);
}
