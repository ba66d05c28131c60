// Lighthouse on the page, on a desk and on a phone, and how soon the page paints: `node audit.mjs URL [runs=5] [assert=1]`
//
// First paint is measured in this browser without any throttling, each time in a profile that has seen nothing; Lighthouse slows the
// processor and the network down by its own rules. With `assert=1` it fails where accessibility or best practices are below 95: those do
// not depend on how fast the machine is.

import assert from "node:assert/strict";
import { createServer } from "node:net";

import { FLAGS, chromium, load, program } from "./modules.mjs";

const [url, ...settings] = process.argv.slice(2);
if (!url) throw new Error("give the page's address");
const { runs = "5", assert: asserted } = Object.fromEntries(settings.map((setting) => setting.split("=")));
const WANTED = 95;

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const port = await freePort();
const browser = await chromium.launch({ executablePath: program, args: [...FLAGS, `--remote-debugging-port=${port}`] });

const paints = [];
const sizes = [];
for (let run = 0; run < Number(runs) + 1; run++) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator(".composer textarea, #message").waitFor();
  const seen = await page.evaluate(() => {
    const paint = Object.fromEntries(performance.getEntriesByType("paint").map(({ name, startTime }) => [name, startTime]));
    const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return { paint, ready: performance.now(), bytes: files.reduce((sum, file) => sum + file.transferSize, 0), count: files.length };
  });
  // The first one warms the program and the server up.
  if (run > 0) paints.push([seen.paint["first-paint"], seen.paint["first-contentful-paint"], seen.ready]);
  sizes.push(seen);
  await context.close();
}
const median = (numbers) => numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
const [first, contentful, ready] = [0, 1, 2].map((index) => paints.map((run) => run[index]));
console.log(`first paint: median ${median(first).toFixed(0)} ms, most ${Math.max(...first).toFixed(0)} ms of ${runs} (first contentful paint ${median(contentful).toFixed(0)} ms, ready to write ${median(ready).toFixed(0)} ms)`);
console.log(`sent: ${(sizes.at(-1).bytes / 1024).toFixed(1)} KiB in ${sizes.at(-1).count} files`);

const { default: lighthouse, desktopConfig } = await load("lighthouse");
const scores = [];
for (const [name, config] of [["desk", desktopConfig], ["phone", undefined]]) {
  const options = { port, output: "json", logLevel: "error", onlyCategories: ["performance", "accessibility", "best-practices"] };
  let lhr;
  // On a busy machine its trace at times has no beginning; that is no finding.
  for (let tries = 0; tries < 3 && (!lhr || lhr.runtimeError); tries++) ({ lhr } = await lighthouse(url, options, config));
  const said = Object.values(lhr.categories).map(({ title, score }) => `${title} ${Math.round(score * 100)}`);
  if (lhr.runtimeError) console.log(`Lighthouse could not measure the ${name}: ${lhr.runtimeError.message}`);
  console.log(`Lighthouse ${lhr.lighthouseVersion}, ${name}: ${said.join(", ")}`);
  for (const { id, score } of Object.values(lhr.categories)) scores.push({ name, id, score: score * 100 });
  for (const category of Object.values(lhr.categories)) {
    const short = category.auditRefs.filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9);
    for (const { id } of short) console.log(`  ${category.title}: ${lhr.audits[id].title} ${lhr.audits[id].displayValue ?? ""}`);
  }
}
await browser.close();
if (asserted) {
  const low = scores.filter(({ id, score }) => id !== "performance" && score < WANTED);
  assert.deepEqual(low, [], "an audit is below what is wanted");
}
process.exit();
