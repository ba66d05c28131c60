// The operator's pages: which one is shown, and who may see it.

import { Refused, forget, get, hasKey, keep } from "./api.js";
import { conversations } from "./conversations.js";
import { element } from "./element.js";
import { feedback } from "./feedback.js";
import { gaps } from "./gaps.js";
import { ledger } from "./ledger.js";
import { overview } from "./overview.js";
import { people, system } from "./system.js";
import { language, words } from "./words.js";

const PAGES = { overview, ledger, conversations, feedback, gaps, people, system };

const at = (id) => document.getElementById(id);
const [main, login, pages, leave] = ["main", "login", "pages", "leave"].map(at);

let shown = new AbortController();
let bot = "Loquat";

/** A part of an address, as it stands where it is badly encoded. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The page that the address names: `#ledger/12?state=failed`. */
function wanted() {
  const [place, search = ""] = location.hash.slice(1).split("?");
  const [name, ...rest] = place.split("/");
  const page = Object.hasOwn(PAGES, name) ? name : "overview";
  return { page, path: rest.length > 0 ? decoded(rest.join("/")) : null, query: new URLSearchParams(search) };
}

function head(title, ...beside) {
  return element("div", { class: "head" }, element("h1", {}, title), ...beside);
}

/** Does something for a page; what goes wrong is said there, and a key that is none is asked for again. */
async function guarded(signal, work) {
  try {
    await work();
    if (!signal.aborted) main.querySelector(".failure")?.remove();
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Refused && [401, 403].includes(error.status)) {
      ask(words.wrong);
      return;
    }
    if (!login.hidden) {
      at("login-error").textContent = error.message;
      return;
    }
    const place = main.querySelector(".failure") ?? element("p", { class: "told error failure", role: "alert" });
    place.textContent = `${words.failed} ${error.message}`;
    main.querySelector(".head")?.after(place);
  }
}

function show() {
  shown.abort();
  shown = new AbortController();
  if (!hasKey()) {
    ask("");
    return;
  }
  const { signal } = shown;
  const { page, path, query } = wanted();
  login.hidden = true;
  main.hidden = pages.hidden = leave.hidden = false;
  main.replaceChildren();
  const links = Object.keys(PAGES).map((name) => {
    return element("a", { href: `#${name}`, ...(name === page ? { "aria-current": "page" } : {}) }, words.pages[name]);
  });
  pages.replaceChildren(...links);
  document.title = words.title(words.pages[page], bot);
  PAGES[page]({ main, head, path, query, signal, guard: (work) => guarded(signal, work) });
}

/** Asks for the key, and says why. */
function ask(why) {
  shown.abort();
  forget();
  main.hidden = pages.hidden = leave.hidden = true;
  login.hidden = false;
  at("login-error").textContent = why;
  at("key").value = "";
  at("key").focus();
}

async function enter() {
  const { name } = await get("/about");
  bot = name;
  at("name").textContent = name;
  show();
}

document.documentElement.lang = language;
at("skip").textContent = words.skip;
at("login-label").textContent = words.key;
at("login-hint").textContent = words.hint;
at("login-button").textContent = words.enter;
leave.textContent = words.leave;
pages.setAttribute("aria-label", bot);
leave.addEventListener("click", () => ask(""));
login.addEventListener("submit", (event) => {
  event.preventDefault();
  keep(at("key").value.trim());
  guarded(shown.signal.aborted ? new AbortController().signal : shown.signal, enter);
});
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => {
  show();
  main.focus();
});
if (hasKey()) guarded(shown.signal, enter);
else ask("");
