// The traps can catch something: on a page that takes what is said for markup, most of the corpus runs. Of the rest, each is an attack on
// something else than a page of today's browsers, such as a framework that this page does not have.

import assert from "node:assert/strict";

import { foreign, payloads, setTraps } from "../corpus.mjs";

/** How many payloads are shown at once, each in frames of its own. */
const TOGETHER = 16;

/** A page without any care, in as many ways as pages are careless: markup, attributes, addresses, scripts, Markdown links. */
function careless(said) {
  const found = said.matchAll(/\]\(\s*<?((?:[^()]|\([^()]*\))*?)>?\s*\)|\]:\s*<?(\S+?)>?\s|<((?:javascript|data):[^>]*)>/g);
  const links = [...found].map((match) => match[1] ?? match[2] ?? match[3]);
  const marked = links.map((link) => `<a href="${link}">link</a><img src="${link}">`).join("");
  const entities = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
  const twice = said.replace(/&(lt|gt|amp);/g, (entity) => entities[entity]);
  let uri = said;
  try {
    uri = decodeURIComponent(said);
  } catch {
    // No address.
  }
  return [
    `<!doctype html><body><div>${said}</div>${marked}`,
    `<!doctype html><body><p title="${said}" id=a>x</p><p title='${said}'>x</p><img alt="${said}" src=x>`,
    `<!doctype html><body><script>var a = "${said}";</script><script>var b = '${said}';</script><script>var c = \`${said}\`;</script>`,
    `<!doctype html><body><script>/* ${said} */</script><script>// ${said}\n</script><textarea>${said}</textarea><title>${said}</title>`,
    `<!doctype html><body>${twice}${uri}<a href="${said}">x</a>`,
    { again: said },
  ];
}

export default async function (stage) {
  const ann = await stage.person({ calm: false });
  await setTraps(ann);
  const origin = "http://careless.test/";
  stage.hosts.add("careless.test").add("example.org").add("b.example").add("www.example.org");
  await ann.context.route(/.*/, (route) => {
    const isPage = route.request().url() === origin;
    return isPage ? route.fulfill({ contentType: "text/html; charset=utf-8", body: "<!doctype html><body>" }) : route.abort();
  });
  const page = await ann.tab(origin);
  const all = payloads();
  assert.ok(all.length >= 200, `${all.length} payloads`);
  const silent = [];
  const counts = { ran: 0, caught: 0 };
  for (let first = 0; first < all.length; first += TOGETHER) {
    const some = all.slice(first, first + TOGETHER);
    const outcomes = await page.evaluate(suffer, { some: some.map(careless), foreign: foreign.toString() });
    for (const [index, { ran, found }] of outcomes.entries()) {
      counts.ran += ran > 0 ? 1 : 0;
      counts.caught += ran + found > 0 ? 1 : 0;
      if (ran + found === 0) silent.push(`${first + index + 1}: ${some[index]}`);
    }
  }
  await page.close();
  const part = (count) => Math.round((count / all.length) * 100);
  console.log(`${all.length} payloads: ${part(counts.ran)} % run on a careless page, ${part(counts.caught)} % run or become a part of it`);
  if (stage.settings.show) console.log(silent.join("\n"));
  assert.ok(part(counts.ran) >= 60 && part(counts.caught) >= 75, `too much of the corpus does nothing anywhere:\n${silent.join("\n")}`);
  // What it does to that page is what it is for.
  for (const record of [ann.complaints, ann.dialogs, ann.requests]) record.length = 0;
}

/** Shows each set of pages in frames, does there what people do, and counts what came of it. */
async function suffer({ some, foreign }) {
  const moment = () => new Promise((resolve) => setTimeout(resolve, 150));
  const foreignIn = new Function(`return (${foreign})`)();
  const suffered = some.map((pages) => {
    const outcome = { ran: 0, found: 0 };
    const set = (inside) => {
      inside.alert = inside.confirm = inside.prompt = inside.print = () => (outcome.ran += 1);
    };
    const frames = pages.map((html) => {
      const frame = document.createElement("iframe");
      frame.style = "width:300px;height:200px";
      document.body.append(frame);
      const inside = frame.contentWindow;
      set(inside);
      if (typeof html === "string") {
        inside.document.open();
        set(inside);
        inside.document.write(html);
        inside.document.close();
      } else {
        // What is read once and written once more is read another way.
        inside.document.body.innerHTML = html.again;
        inside.document.body.innerHTML = inside.document.body.innerHTML;
      }
      return frame;
    });
    return { outcome, frames };
  });
  await moment();
  for (const { outcome, frames } of suffered) {
    // The frame with markup alone, so that the scripts of the other pages do not count.
    const last = frames.at(-1).contentDocument;
    if (last) outcome.found = foreignIn(last).length;
    for (const frame of frames) {
      for (const node of frame.contentDocument?.querySelectorAll("*") ?? []) {
        for (const name of ["click", "mouseover", "pointerenter", "pointerrawupdate", "focus"]) {
          if (name === "click" && node.click && !/^(https?|data|blob):/.test(node.href ?? "")) node.click();
          else node.dispatchEvent(new Event(name, { bubbles: true, cancelable: true }));
        }
      }
    }
  }
  await moment();
  suffered.forEach(({ frames }) => frames.forEach((frame) => frame.remove()));
  return suffered.map(({ outcome }) => outcome);
}
