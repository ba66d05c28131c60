// The page's one conductor: says hello, sends what is written, and puts what the bot says in its place.

import { answerView } from "./answer.js";
import { composer } from "./composer.js";
import { bot, listen, login, send } from "./connection.js";
import { element } from "./element.js";
import { transcript } from "./transcript.js";
import { language, words } from "./words.js";

const OVERDUE = 120_000;
const byId = (id) => document.getElementById(id);
const log = byId("log");
const views = new Map();
let card;
let field;
let stopListening = () => {};

// The newest answer stays in sight, unless the person has scrolled up to read.

const scroller = document.scrollingElement;
const atEnd = () => scroller.scrollHeight - scroller.scrollTop - innerHeight < 120;

function change(update) {
  const follow = atEnd();
  update();
  if (follow) scroller.scrollTop = scroller.scrollHeight;
  else byId("latest").hidden = atEnd();
}

addEventListener("scroll", () => atEnd() && (byId("latest").hidden = true), { passive: true });
byId("latest").addEventListener("click", () => scroller.scrollTo({ top: scroller.scrollHeight }));

// Exchanges on the page.

function show(exchange) {
  if (!views.has(exchange.id)) {
    const answer = answerView(exchange.id, submit);
    const question = element(
      "div",
      { class: "question" },
      element("span", { class: "unseen" }, words.you),
      element("p", {}, exchange.text),
    );
    answer.view.prepend(element("span", { class: "unseen" }, words.answers(card.name)));
    const article = element("article", { class: "exchange" }, question, answer.view);
    views.set(exchange.id, { article, answer });
    log.append(article);
  }
  const { answer } = views.get(exchange.id);
  const { state, sentences, reply, reason, notice } = exchange;
  if (state === "answered") answer.finish(reply);
  else if (state === "told") answer.told(notice);
  else if (state === "withdrawn") answer.withdrawn();
  else if (state === "unsent") answer.problem(`${words.unsent} ${reason}`, () => deliver(exchange));
  else if (state === "failed") answer.problem(reason, () => askAgain(exchange));
  else if (sentences.length > 0) answer.draft(sentences);
  else answer.waiting();
}

function showAll() {
  const empty = transcript.exchanges.length === 0;
  byId("welcome").hidden = !empty;
  byId("anew").hidden = empty;
}

function update(exchange, changes) {
  Object.assign(exchange, changes);
  transcript.keep();
  change(() => show(exchange));
}

// Sending.

async function deliver(exchange) {
  update(exchange, { state: "sending", reason: null, since: Date.now() });
  try {
    await send(transcript.conversation, exchange.id, exchange.text);
    // The reply may have been faster.
    if (exchange.state === "sending") update(exchange, { state: "waiting" });
  } catch (error) {
    if (error.status === 401) return askToken();
    // Without a status the network failed; the bot may have the message, and takes the same id only once.
    const reason = error.status ? error.message : words.unreachable;
    if (exchange.state === "sending") update(exchange, { state: "unsent", reason });
  }
}

function submit(text) {
  const exchange = transcript.add(text);
  showAll();
  show(exchange);
  scroller.scrollTop = scroller.scrollHeight;
  deliver(exchange);
}

/** The same question under a new id, for one that the bot has given up. */
function askAgain(exchange) {
  views.get(exchange.id).article.remove();
  views.delete(exchange.id);
  transcript.remove(exchange.id);
  submit(exchange.text);
  field.focus();
}

// Listening.

// After a restart of the bot the last replies come again; those that are here already change nothing.
function heard(data, id, react) {
  const exchange = transcript.find(data.in_reply_to);
  if (exchange && exchange.state !== "answered") react(exchange);
  transcript.seen = id;
}

const ears = {
  draft(data, id) {
    heard(data, id, (exchange) => {
      update(exchange, { state: "waiting", since: Date.now(), sentences: data.sentences });
    });
  },
  withdrawn(data, id) {
    heard(data, id, (exchange) => {
      // An apology or a notice stays.
      if (["sending", "waiting"].includes(exchange.state)) update(exchange, { state: "withdrawn", sentences: [] });
    });
  },
  reply(data, id) {
    heard(data, id, (exchange) => {
      update(exchange, { state: "answered", reply: data.reply, sentences: [] });
      const note = data.reply.outcome === "abstained" ? `${words.abstained}. ` : "";
      byId("announce").textContent = `${words.answers(card.name)} ${note}${data.reply.answer}`;
    });
  },
  problem(data, id) {
    heard(data, id, (exchange) => {
      if (exchange.state === "failed" && exchange.reason === data.reason) return;
      update(exchange, { state: "failed", reason: data.reason, sentences: [] });
      byId("announce").textContent = data.reason;
    });
  },
  notice(data, id) {
    heard(data, id, (exchange) => {
      if (exchange.state === "told" && exchange.notice === data.text) return;
      update(exchange, { state: "told", notice: data.text, sentences: [] });
      byId("announce").textContent = `${words.answers(card.name)} ${data.text}`;
    });
  },
  open() {
    const notice = byId("connection");
    clearTimeout(ears.timer);
    if (notice.textContent === "") return;
    notice.textContent = words.regained;
    notice.classList.add("good");
    ears.timer = setTimeout(() => (notice.textContent = ""), 2500);
  },
  lost() {
    const notice = byId("connection");
    clearTimeout(ears.timer);
    // A short gap, as when a proxy ends a long connection, is not worth a word.
    ears.timer = setTimeout(() => {
      notice.classList.remove("good");
      notice.textContent = words.lost;
    }, notice.textContent === "" ? 1000 : 0);
  },
};

setInterval(() => {
  const overdue = (exchange) => exchange.state === "waiting" && Date.now() - exchange.since > OVERDUE;
  transcript.exchanges.filter(overdue).forEach((exchange) => {
    update(exchange, { state: "failed", reason: words.overdue, sentences: [] });
  });
}, 5000);

function startListening() {
  stopListening();
  stopListening = listen(transcript.conversation, () => transcript.seen, ears);
}

// Starting.

function askToken() {
  stopListening();
  byId("foot").hidden = true;
  byId("login").hidden = false;
  byId("token").focus();
}

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("login-error").textContent = "";
  try {
    await login(byId("token").value);
  } catch (error) {
    byId("login-error").textContent = error.status === 401 ? words.wrong : words.unreachable;
    byId("token").select();
    return;
  }
  byId("token").value = "";
  byId("login").hidden = true;
  start();
});

byId("anew").addEventListener("click", () => {
  transcript.startAnew();
  views.clear();
  log.replaceChildren();
  showAll();
  startListening();
  field.focus();
});

async function start() {
  try {
    card = await bot();
  } catch (error) {
    if (error.status === 401) return askToken();
    byId("foot").hidden = false;
    byId("connection").textContent = words.lost;
    setTimeout(start, 3000);
    return;
  }
  byId("connection").textContent = "";
  byId("foot").hidden = false;
  document.title = card.name;
  byId("name").textContent = card.name;
  byId("name").hidden = false;
  byId("greeting").textContent = card.greeting || words.ask(card.name);
  const suggestion = (text) => element("li", {}, element("button", { type: "button", onclick: () => submit(text) }, text));
  byId("suggestions").replaceChildren(...card.suggestions.map(suggestion));
  field ??= composer(card.name, card.max_message_chars, submit);
  showAll();
  transcript.exchanges.forEach(show);
  scroller.scrollTop = scroller.scrollHeight;
  startListening();
  // What was on its way when the page was left is sent again under the same id.
  transcript.exchanges.filter(({ state }) => state === "sending").forEach(deliver);
}

document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
byId("anew").textContent = words.anew;
byId("hint").textContent = words.hint;
byId("latest").textContent = words.latest;
byId("login-label").textContent = words.token;
byId("login-button").textContent = words.enter;
byId("suggestions").setAttribute("aria-label", words.suggestions);
start();
