// A document of the bot as elements: the tree of `core/contract/src/document.rs`. Words become text nodes and nothing else.

import { element, icon } from "./element.js";

const DEEPEST = 40;
const SCHEMES = ["http:", "https:", "mailto:"];
const PICTURE = /\.(avif|gif|jpe?g|png|webp)$/i;

/** The address of a link that may be followed, else `null`. */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return SCHEMES.includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** A link, or its words where it leads nowhere that is safe. */
export function link(address, ...label) {
  const url = safeAddress(address);
  if (!url) return element("span", { title: address }, ...label);
  return element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", title: address }, ...label);
}

/** A button that copies `text()`; `null` where the browser does not let pages copy. */
export function copyButton(label, words, text) {
  // Browsers offer the clipboard only to pages from this machine or over HTTPS.
  if (!navigator.clipboard) return null;
  const button = element("button", { type: "button", class: "quiet tool" });
  const rest = (name, said) => {
    button.replaceChildren(icon(name));
    button.setAttribute("aria-label", said);
    button.title = said;
  };
  rest("copy", label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      return; // The browser forbids it, and says so itself.
    }
    rest("done", words("copied"));
    setTimeout(() => rest("copy", label), 1500);
  });
  return button;
}

/**
 * Makes nodes of a document; `cite(number)` makes a citation's mark, pictures are shown only where `images` says so, and
 * headings are of the level that the page has room for.
 */
export function documentNodes(blocks, { words, cite, images = false, heading = "h3" }) {
  const inlines = (list, depth) => list.flatMap((inline) => nodesOf(inline, depth));

  function nodesOf(inline, depth) {
    if (inline === "break") return [element("br")];
    const [kind, value] = Object.entries(inline ?? {})[0] ?? [];
    if (kind === "text") return [document.createTextNode(value)];
    if (kind === "code") return [element("code", { dir: "auto" }, value)];
    if (kind === "citation") return [cite(value)];
    if (kind === "mention") return [element("b", {}, value.name)];
    if (depth > DEEPEST) return [];
    if (kind === "strong") return [element("strong", {}, ...inlines(value, depth + 1))];
    if (kind === "emphasis") return [element("em", {}, ...inlines(value, depth + 1))];
    if (kind === "link") return linkNodes(value, depth);
    return [];
  }

  function linkNodes({ url, label }, depth) {
    const shown = inlines(label, depth + 1);
    const address = safeAddress(url);
    if (!images || address?.protocol !== "https:" || !PICTURE.test(address.pathname)) return [link(url, ...shown)];
    const alt = shown.map((node) => node.textContent).join("");
    return [
      link(url, element("img", { class: "picture", src: address.href, alt, loading: "lazy", referrerPolicy: "no-referrer" })),
    ];
  }

  function code({ language, text }) {
    const label = element("span", {}, language || words("code"));
    const copy = copyButton(words("copyCode"), words, () => text);
    const box = element(
      "pre",
      { tabIndex: 0, role: "region", "aria-label": language || words("code"), dir: "ltr" },
      element("code", {}, text),
    );
    return element("div", { class: "code" }, element("div", { class: "codehead" }, label, copy), box);
  }

  function table({ header, rows }, depth) {
    const cell = (tag, properties) => (content) => element(tag, { dir: "auto", ...properties }, ...inlines(content, depth + 1));
    const head = element("thead", {}, element("tr", {}, ...header.map(cell("th", { scope: "col" }))));
    const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell("td", {})))));
    // What scrolls can be reached by the keyboard.
    return element(
      "div",
      { class: "table", tabIndex: 0, role: "region", "aria-label": words("table") },
      element("table", {}, head, body),
    );
  }

  function blockNode(block, depth) {
    const [kind, value] = Object.entries(block ?? {})[0] ?? [];
    if (kind === "paragraph") return element("p", { dir: "auto" }, ...inlines(value, depth));
    if (kind === "heading") return element(heading, { dir: "auto" }, ...inlines(value, depth));
    if (kind === "code") return code(value);
    if (kind === "table") return table(value, depth);
    if (depth > DEEPEST) return null;
    if (kind === "quote") return element("blockquote", {}, ...all(value, depth + 1));
    if (kind === "list") {
      const isNumbered = value.start !== null && value.start !== undefined;
      const items = value.items.map((item) => element("li", { dir: "auto" }, ...all(item, depth + 1)));
      return element(isNumbered ? "ol" : "ul", isNumbered ? { start: value.start } : {}, ...items);
    }
    return null;
  }

  const all = (list, depth) => (list ?? []).map((block) => blockNode(block, depth)).filter(Boolean);
  return all(blocks, 0);
}

/** The words of nodes as one text, with the place of every piece, so that stretches of it can be marked. Citations' marks are left out. */
export function wordsOf(root) {
  const pieces = [];
  let text = "";
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    if (node.parentElement.closest(".mark, .codehead")) continue;
    pieces.push({ node, start: text.length });
    text += node.data;
  }
  return {
    text,
    /** Puts the words from `start` to `end` into elements of a class; returns these. */
    wrap(start, end, name) {
      const made = [];
      for (let index = pieces.length - 1; index >= 0; index--) {
        const piece = pieces[index];
        const from = Math.max(start, piece.start);
        const to = Math.min(end, piece.start + piece.node.length);
        if (from >= to) continue;
        const own = from > piece.start ? piece.node.splitText(from - piece.start) : piece.node;
        if (from > piece.start) pieces.splice(index + 1, 0, { node: own, start: from });
        if (to - from < own.length)
          pieces.splice(pieces.findIndex(({ node }) => node === own) + 1, 0, { node: own.splitText(to - from), start: to });
        const wrapper = element("span", { class: name });
        own.replaceWith(wrapper);
        wrapper.append(own);
        made.unshift(wrapper);
      }
      return made;
    },
  };
}
