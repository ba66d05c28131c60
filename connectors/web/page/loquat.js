// The element `loquat-chat`: a shadow root with the chat in it, as the whole page or as a button with a panel. What stands on the
// page around it, its styles and its scripts, does not get in, and nothing of the chat gets out.

import { chat } from "./chat.js";
import { Client } from "./client.js";
import { drawn, element, icon } from "./element.js";
import { storage } from "./storage.js";
import styles from "./style.js";
import { wordsFor } from "./words.js";

const PHONE = matchMedia("(max-width: 30rem), (max-height: 26rem)");
const sheet = new CSSStyleSheet();
sheet.replaceSync(styles);

/** The fruit. */
function fruit(size) {
  const line = { fill: "none", "stroke-linecap": "round" };
  return drawn(
    "svg",
    { class: "logo", viewBox: "0 0 64 64", width: size, height: size, "aria-hidden": "true" },
    drawn("path", { d: "M33 25C34 15 42 7 57 6c0 13-9 20-24 19z", fill: "#3f7d58" }),
    drawn("path", { d: "M33 25C40 18 47 13 55 8", ...line, stroke: "#fff", "stroke-opacity": ".55", "stroke-width": 1.6 }),
    drawn("path", { d: "M31 27c0-7-3-12-9-16", ...line, stroke: "#7a5634", "stroke-width": 4 }),
    drawn("ellipse", { cx: 29, cy: 42, rx: 20, ry: 18.5, fill: "#f0a03c" }),
    drawn("ellipse", { cx: 22, cy: 36, rx: 6.5, ry: 4.5, fill: "#fff", "fill-opacity": ".38", transform: "rotate(-32 22 36)" }),
    drawn("path", { d: "m29 53 2 2.6 3-.6-1.2 2.8 1.7 2.4-3-.3L29 62l-2-2.1-3 .3 1.7-2.400L24.5 55l3 .6z", fill: "#a5642a" }),
  );
}

export class LoquatChat extends HTMLElement {
  #chat = null;
  #built = null;
  #words = null;
  #launcher = null;
  #dialog = null;
  #opener = null;
  #store = null;
  #client = null;
  #name = "";
  #unread = 0;

  connectedCallback() {
    this.#built ??= this.#build();
    this.#chat?.resume();
  }

  // Frameworks take elements out and put them in again.
  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || this.#chat?.pause());
  }

  get isWidget() {
    return this.dataset.mode === "widget";
  }

  get isOpen() {
    return !this.isWidget || Boolean(this.#dialog?.open);
  }

  async #build() {
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    // The page can be linked to in a language and a theme.
    const linked = this.isWidget ? new URLSearchParams() : new URLSearchParams(location.search);
    for (const name of ["language", "theme"]) if (linked.has(name)) this.dataset[name] ??= linked.get(name);
    const base = new URL(this.dataset.server || ".", document.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    this.#store = storage(`loquat:${base.origin}${base.pathname}`);
    this.#client = new Client(base.href, this.#store, () => {});
    if (!this.isWidget) this.#client.askEarly();
    if (this.dataset.identity) this.#identified(this.dataset.identity);
    const page = this.isWidget ? document.documentElement.lang : "";
    const wanted = [this.dataset.language, page, ...navigator.languages].filter(Boolean);
    this.#words = await wordsFor(wanted, this.dataset.words);
    if (this.isWidget) this.#buildWidget(root);
    else {
      document.documentElement.lang = this.#words.language;
      this.#start();
      root.append(this.#chat.frame);
      // On a phone, focus would cover half the page with a keyboard.
      this.#chat.started.then(() => matchMedia("(hover: hover)").matches && this.#chat.focus());
    }
    // A key that is pressed in here is no short cut of the page around.
    for (const kind of ["keydown", "keypress", "keyup", "paste", "copy", "cut"]) {
      root.addEventListener(kind, (event) => event.stopPropagation());
    }
    this.#fit(root);
  }

  #start() {
    if (this.#chat) return;
    const { dataset: data } = this;
    const isWidget = this.isWidget;
    this.#chat = chat({
      client: this.#client,
      store: this.#store,
      words: this.#words,
      data,
      isWidget,
      mark: (size) =>
        data.logo
          ? element("img", { class: "logo", src: new URL(data.logo, document.baseURI).href, alt: "", width: size, height: size })
          : fruit(size),
      isShown: () => this.isOpen && document.visibilityState === "visible",
      close: isWidget ? () => this.close() : null,
      tell: (name, detail) => this.#told(name, detail),
    });
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && this.isOpen && this.#chat.seen(),
    );
  }

  #told(name, detail) {
    if (name === "unread") this.#badge(detail.count);
    if (name === "named") {
      this.#name = detail.name;
      this.#dialog?.setAttribute("aria-label", detail.name);
      if (!this.isWidget) document.title = detail.name;
      return;
    }
    this.dispatchEvent(new CustomEvent(`loquat:${name}`, { detail, bubbles: true, composed: true }));
  }

  // The button and the panel.

  #buildWidget(root) {
    const words = this.#words;
    const label = this.dataset.label;
    const badge = element("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.#launcher = element(
      "button",
      {
        type: "button",
        class: label ? "launcher labelled" : "launcher",
        "aria-label": words("open"),
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
        lang: words.language,
        onclick: () => this.toggle(),
      },
      icon("chat"),
      icon("down"),
      label ? element("span", {}, label) : null,
      badge,
    );
    this.#launcher.hidden = this.dataset.launcher === "none";
    this.#dialog = element("dialog", { class: "window", "aria-label": words("chat") });
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (!this.#chat.escape()) this.close();
    });
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      this.close();
    });
    const position = this.dataset.position ?? "";
    const isLeft = /left/.test(position) || (!/right/.test(position) && /start/.test(position) === (words.direction === "ltr"));
    const side = isLeft ? "atleft" : "atright";
    const edge = /top/.test(position) ? "attop" : "atbottom";
    const frame = element("div", { class: `corner ${side} ${edge}`, dir: words.direction }, this.#dialog, this.#launcher);
    const [across, down] = (this.dataset.offset ?? "").split(/[\s,]+/).map(Number.parseFloat);
    if (across >= 0) frame.style.setProperty("--_across", `${across}px`);
    if (down >= 0) frame.style.setProperty("--_down", `${down}px`);
    root.append(frame);
    PHONE.addEventListener("change", () => this.isOpen && this.#show(false));
    const wasOpen = this.#remembered();
    const isWanted = wasOpen === "open" || (this.dataset.open === "true" && wasOpen !== "closed");
    if (isWanted && !PHONE.matches) this.#show(false);
    // Somebody who talked before is told of answers that came since.
    else if (this.#store.get("conversation")) this.#prepare();
  }

  #remembered(state) {
    try {
      if (state) sessionStorage.setItem("loquat:window", state);
      return sessionStorage.getItem("loquat:window");
    } catch {
      return null;
    }
  }

  #prepare() {
    this.#start();
    if (!this.#chat.frame.isConnected) this.#dialog.append(this.#chat.frame);
  }

  #show(isFocused) {
    this.#prepare();
    const dialog = this.#dialog;
    if (dialog.open) dialog.close();
    // On a phone it takes the whole screen, and what is behind it is out of reach.
    if (PHONE.matches) dialog.showModal();
    else if (isFocused) dialog.show();
    else dialog.setAttribute("open", "");
    this.#launcher.setAttribute("aria-expanded", "true");
    this.#launcher.setAttribute("aria-label", this.#words("close"));
    this.#launcher.classList.add("isopen");
    this.#chat.started.then(() => {
      this.#chat.seen();
      if (isFocused && dialog.open) this.#chat.focus();
    });
  }

  #badge(count) {
    this.#unread = count;
    if (!this.isWidget) document.title = count > 0 ? `(${count}) ${this.#name}` : this.#name;
    if (!this.#launcher) return;
    const badge = this.#launcher.querySelector(".badge");
    badge.hidden = count === 0;
    badge.textContent = count > 9 ? "9+" : `${count}`;
    if (this.isOpen) return;
    const note = count > 0 ? ` (${this.#words("unread", { count })})` : "";
    this.#launcher.setAttribute("aria-label", `${this.#words("open")}${note}`);
  }

  // A phone's keyboard covers a part of the page; the chat keeps to what can be seen.

  #fit(root) {
    const { visualViewport: port } = window;
    if (!port) return;
    const update = () => {
      // Who zooms in wants to see a part of it large, not all of it small.
      if (port.scale > 1.01) return;
      const style = root.lastElementChild.style;
      style.setProperty("--_height", `${port.height}px`);
      style.setProperty("--_top", `${port.offsetTop}px`);
    };
    port.addEventListener("resize", update);
    port.addEventListener("scroll", update);
    update();
  }

  // What a site can do.

  async open() {
    await this.#built;
    if (!this.isWidget || this.#dialog.open) return;
    this.#opener = document.activeElement;
    this.#remembered("open");
    this.#show(true);
    this.#told("open", {});
  }

  async close() {
    await this.#built;
    if (!this.isWidget || !this.#dialog.open) return;
    const hadFocus = this.shadowRoot.activeElement !== null;
    this.#dialog.close();
    this.#remembered("closed");
    this.#launcher.setAttribute("aria-expanded", "false");
    this.#launcher.classList.remove("isopen");
    this.#badge(this.#unread);
    const back = this.#opener && this.#opener !== this && this.#opener.isConnected ? this.#opener : this.#launcher;
    if (hadFocus) back.focus({ preventScroll: true });
    this.#opener = null;
    this.#told("close", {});
  }

  toggle() {
    return this.#dialog.open ? this.close() : this.open();
  }

  /** Opens, and asks as if the person had written it. */
  async ask(text) {
    await this.open();
    await this.#chat.ask(String(text));
  }

  /** Forgets who the person was, such as when they leave the site's account. */
  async signOut() {
    await this.#built;
    this.#client.signOut();
  }

  /** Says who the person is, by a JWT that the site has signed. */
  async identify(jwt) {
    await this.#built;
    return this.#identified(jwt);
  }

  async #identified(jwt) {
    try {
      const person = await this.#client.identify(String(jwt));
      this.#chat?.admit();
      return person;
    } catch (error) {
      console.error(`Loquat: the identity was refused: ${error.message || "the bot cannot be reached"}`);
      this.dispatchEvent(new CustomEvent("loquat:error", { detail: { message: error.message }, bubbles: true, composed: true }));
      return null;
    }
  }
}

if (!customElements.get("loquat-chat")) customElements.define("loquat-chat", LoquatChat);
