// The corpus of tests/fixtures/xss.txt, and the traps that tell whether any of it ran.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const ESCAPES = { n: "\n", r: "\r", t: "\t", 0: "\0", "\\": "\\" };

const decoded = (line) =>
  line.replace(/\\(?:u\{([0-9a-f]+)\}|([nrt0\\]))/g, (_, hex, name) => (hex ? String.fromCodePoint(parseInt(hex, 16)) : ESCAPES[name]));

/** Every payload, with what it would run told apart by its number, where it is not encoded. */
export function payloads() {
  const lines = readFileSync(new URL("../fixtures/xss.txt", import.meta.url), "utf8").split("\n");
  const texts = lines.filter((line) => line !== "" && !line.startsWith("#:"));
  return texts.map((text, index) => decoded(text).replaceAll("alert(1)", `alert(${index + 1})`));
}

/** Runs in every page before anything of it: notes whatever a payload would do. */
function trap() {
  window.ranPayloads ??= [];
  const note = (what) => (window.top === window ? window : window.parent).ranPayloads?.push(what);
  for (const name of ["alert", "confirm", "prompt", "print"]) {
    Object.defineProperty(window, name, { value: (what) => note(`${name}(${what})`), configurable: false });
  }
  addEventListener("securitypolicyviolation", (event) => note(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
}

/** Sets the traps for all pages of a person. */
export async function setTraps(person) {
  await person.context.addInitScript(trap);
}

/** What payloads did in a page so far. */
export const ran = (page) => page.evaluate(() => window.ranPayloads);

/** Everything in a page, shadow roots included, that none of ours would ever make out of what somebody said. */
export function foreign(document = window.document) {
  const { location } = window;
  const found = [];
  const isOurs = (url) => {
    try {
      return ["http:", "https:", "mailto:", "blob:", "tel:"].includes(new URL(url, location.href).protocol);
    } catch {
      return true;
    }
  };
  const scripted = ["iframe", "object", "embed", "base", "frame", "frameset", "applet", "portal", "math", "marquee", "audio", "video"];
  const taken = ["innerHTML", "getElementById", "document", "cookie", "attributes", "top", "hint", "token", "body"];
  const isElsewhere = (url) => new URL(url, location.href).origin !== location.origin;
  // A form's own fields may go by the names of what is asked here.
  const get = (node, name) => Element.prototype.getAttribute.call(node, name);
  const look = (node) => {
    const tag = node.localName;
    const [href, src] = [get(node, "href"), get(node, "src")];
    if (scripted.includes(tag)) found.push(`<${tag}>`);
    // A site's own tag for the widget is no payload.
    const isWidget = tag === "script" && /^http:\/\/127\.0\.0\.1:\d+\/widget\.js$/.test(src);
    if (tag === "script" && (!src || isElsewhere(src)) && !node.nonce && !isWidget) found.push(`<script> ${src}`);
    if (tag === "style" && /example\.org|alert|expression|display:none}$/.test(node.textContent)) found.push(`<style> ${node.textContent}`);
    if (tag === "link" && isElsewhere(href)) found.push(`<link> ${href}`);
    if (tag === "img" && src && isElsewhere(src) && !/^(blob|data):/.test(src)) found.push(`picture ${src}`);
    if (tag === "meta" && get(node, "http-equiv")) found.push(`<meta http-equiv=${get(node, "http-equiv")}>`);
    if (taken.includes(get(node, "name"))) found.push(`${tag} name=${get(node, "name")}`);
    for (const name of Element.prototype.getAttributeNames.call(node)) {
      const value = get(node, name);
      if (/^on/i.test(name) || name === "srcdoc") found.push(`${tag} ${name}=${value}`);
      const isAddress = ["href", "src", "action", "formaction", "data", "xlink:href"].includes(name);
      if (isAddress && !isOurs(value) && tag !== "img") found.push(`${tag} ${name}=${value}`);
    }
  };
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      look(node);
      const shadow = node instanceof Element ? node.shadowRoot : null;
      if (shadow) walk(shadow);
    }
  };
  walk(document);
  return found;
}

/** Fails where anything of the corpus ran, or stands in a page as anything but words. */
export async function assertNothingRan(page, where) {
  for (const frame of page.frames()) {
    assert.deepEqual(await frame.evaluate(() => window.ranPayloads ?? []), [], `${where}: a payload ran`);
    assert.deepEqual(await frame.evaluate(foreign), [], `${where}: a payload is part of the page`);
  }
}
