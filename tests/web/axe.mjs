// What axe finds in a page, shadow roots included.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { fileOf } from "./modules.mjs";

const source = readFileSync(fileOf("axe-core/axe.min.js"), "utf8");

/** Fails at a finding that is serious or worse; says the rest. */
export async function audit(page, where) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(source);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations", "passes"] }));
  audit.passed += passes.length;
  const said = ({ id, impact, help, nodes }) => `${impact} ${id}: ${help}\n  ${nodes.map((node) => `${node.target.flat().join(" ")} ${node.failureSummary}`).join("\n  ")}`;
  const isBad = ({ impact }) => ["serious", "critical"].includes(impact);
  for (const finding of violations.filter((finding) => !isBad(finding))) console.log(`${where}: ${said(finding)}`);
  const bad = violations.filter(isBad).map(said);
  assert.deepEqual(bad, [], `${where}:\n${bad.join("\n")}`);
}
audit.passed = 0;
