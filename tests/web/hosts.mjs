// Sites that hold the widget, and mean it no good: each on a port of its own, so at another origin than the bot.

import { createServer } from "node:http";

const NONCE = "bm9uY2U";

/** What a site's own style sheets may do to everything on the page. */
const RESETS = `
  * { all: revert; margin: 17px !important; padding: 3px !important; font: italic 40px/3 fantasy !important; color: lime !important;
    letter-spacing: 1em !important; text-transform: uppercase !important; box-sizing: content-box !important; float: left !important;
    background: hotpink !important; border: 5px dashed blue !important; direction: rtl; }
  html, body { overflow: hidden !important; height: 100px !important; }
  body { transform: rotate(3deg) scale(.5); filter: grayscale(1); perspective: 100px; }
  body > *, div, section, main, article, aside, dialog, form { display: none !important; }
  button, input, textarea, svg { visibility: hidden !important; width: 1px !important; height: 1px !important; opacity: .1 !important; }
  button { pointer-events: none !important; }
  ::placeholder { color: transparent !important; }
  .chat, .log, .answer, .question, .window, .launcher { position: static !important; display: none !important; }
  @media all { dialog::backdrop { background: red; } }
`;

/** What frameworks of another age did to the language and the page (Prototype 1.6, MooTools 1.1, and what sites added themselves). */
const OLD = `
  Object.prototype.extend = function (more) { for (var key in more) this[key] = more[key]; return this; };
  Object.prototype.own = "of every object";
  Object.prototype.toJSONString = function () { return "broken"; };
  Array.prototype.toJSON = function () { return "[" + this.join(",") + "]"; };
  String.prototype.toJSON = function () { return '"' + this + '"'; };
  Array.prototype.each = function (f) { for (var i = 0; i < this.length; i++) f(this[i], i); return this; };
  Array.prototype.first = function () { return this[0]; };
  Array.prototype.last = function () { return this[this.length - 1]; };
  Array.prototype.flatten = function () { return [].concat.apply([], this); };
  Array.prototype.clear = function () { this.length = 0; return this; };
  Array.prototype.remove = function (item) { return this.filter(function (other) { return other !== item; }); };
  Array.prototype.compact = function () { return this.filter(Boolean); };
  Function.prototype.bindAsEventListener = function (that) { var f = this; return function (event) { return f.call(that, event || window.event); }; };
  Function.prototype.defer = function () { var f = this; return setTimeout(function () { f(); }, 10); };
  Array.from = function (iterable) { if (!iterable) return []; var made = []; for (var i = 0; i < iterable.length; i++) made.push(iterable[i]); return made; };
  document.getElementsByClassName = function () { return []; };
  Element.prototype.show = function () { this.style.display = ""; return this; };
  Element.prototype.hide = function () { this.style.display = "none"; return this; };
  Element.prototype.update = function (html) { this.innerHTML = html; return this; };
  Event.prototype.stop = function () { this.preventDefault(); this.stopPropagation(); };
  window.Element = function (tag, attributes) { return document.createElement(tag); };
  window.Event = { observe: function () {}, stop: function () {} };
  window.Hash = function () {};
  window.$ = function (id) { return document.getElementById(id); };
  window.$$ = function (css) { return document.querySelectorAll(css); };
  window.words = window.chat = window.element = window.Client = "of the site";
  for (var key in {}) if (typeof key !== "string") throw key;
`;

/** Sites: what their pages and headers are; \`bot\` is the bot's address. */
const SITES = {
  plain: (bot) => ({ body: `<main><h1>A shop</h1><p>Its page.</p></main><script src="${bot}/widget.js"></script>` }),
  resets: (bot) => ({ head: `<style>${RESETS}</style>`, body: `<h1>A shop</h1><div><script src="${bot}/widget.js" defer></script></div>` }),
  nonces: (bot) => ({
    headers: {
      "Content-Security-Policy": `default-src 'none'; script-src 'nonce-${NONCE}' 'strict-dynamic'; style-src 'nonce-${NONCE}'; connect-src ${bot}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
    },
    head: `<style nonce="${NONCE}">body { font: 18px serif }</style>`,
    body: `<h1>A bank</h1><script nonce="${NONCE}" src="${bot}/widget.js"></script>`,
  }),
  listed: (bot) => ({
    headers: { "Content-Security-Policy": `default-src 'none'; script-src ${bot}; connect-src ${bot}` },
    body: `<h1>A bank</h1><script async src="${bot}/widget.js"></script>`,
  }),
  old: (bot) => ({ head: `<script>${OLD}</script>`, body: `<h1>A shop of 2007</h1><script src="${bot}/widget.js"></script>` }),
  module: (bot) => ({ body: `<h1>A new shop</h1><script type="module" src="${bot}/widget.js"></script>` }),
  inserted: (bot) => ({
    body: `<h1>A site with a tag manager</h1><script>
      var tag = document.createElement("script");
      tag.src = "${bot}/widget.js";
      tag.async = true;
      document.head.appendChild(tag);
    </script>`,
  }),
  // A page that draws itself anew, with keys of its own.
  app: (bot) => ({
    body: `<div id="app"></div><script src="${bot}/widget.js"></script><script>
      setTimeout(function () { document.body.innerHTML = "<h1>Drawn anew</h1>"; }, 400);
      window.keys = 0;
      for (var name of ["keydown", "keypress", "keyup"]) addEventListener(name, function (event) { if (event.key === "k" || event.key === "Enter") { window.keys++; event.preventDefault(); } });
    </script>`,
  }),
  quirks: (bot) => ({ doctype: "", body: `<center><font size=7>A site without a doctype</font><script src="${bot}/widget.js"></script></center>` }),
  arabic: (bot) => ({ lang: "ar", body: `<h1>متجر</h1><script src="${bot}/widget.js" data-words="/ar.json" data-position="left" data-open="true"></script>` }),
  dressed: (bot) => ({
    head: "<style>loquat-chat { --loquat-accent: rebeccapurple; --loquat-radius: 0px; }</style>",
    body: `<h1>A shop</h1><script src="${bot}/widget.js" data-greeting="Ask the shop." data-suggestions="What is the capital of Peru?|And its currency?" data-label="Questions?" data-position="left"></script>`,
  }),
};

/** A file of words of a language that is written from right to left; what it leaves out is said in English. */
const ARABIC = {
  language: "ar",
  name: "العربية",
  direction: "rtl",
  open: "افتح المحادثة",
  close: "أغلق المحادثة",
  ask: "اسأل {name}",
  send: "أرسل",
  stop: "توقف",
  hint: "كل رقم في الجواب يفتح الحقيقة التي يستند إليها.",
  you: "قلت:",
  answers: "يجيب {name}:",
  suggestions: "أسئلة للبداية",
  "facts.one": "حقيقة واحدة",
  "facts.two": "حقيقتان",
  "facts.few": "{count} حقائق",
  "facts.other": "{count} حقيقة",
  factsTitle: "الحقائق وراء الجواب",
  factOf: "الحقيقة {number} من {count}",
  source: "المصدر",
  around: "حول {name}",
  why: "لماذا؟",
  menu: "المزيد",
  anew: "محادثة جديدة",
};

/** Serves a site on a port, any where none is given: its address, and how to close it. */
export function hostPage(stage, { name, port = 0, host = "localhost", bot = stage.url }) {
  const { headers = {}, head = "", body, doctype = "<!doctype html>", lang = "en" } = SITES[name](bot);
  const page = `${doctype}<html lang="${lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name}</title>${head}</head><body>${body}</body></html>`;
  const server = createServer((request, response) => {
    if (request.url === "/ar.json") return response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(ARABIC));
    if (request.url !== "/") return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", ...headers }).end(page);
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(Number(port), "127.0.0.1", () => {
      const at = `${host}:${server.address().port}`;
      stage.hosts.add(at);
      resolve({
        url: `http://${at}/`,
        close: () => new Promise((closed) => {
          server.closeAllConnections();
          server.close(closed);
        }),
      });
    });
  });
}
