// One browser for all scenarios of a test: prints where it is reached, and ends when its standard input does, so that none is left behind
// whatever becomes of the test.

import { chromium, FLAGS, program } from "./modules.mjs";

const server = await chromium.launchServer({ executablePath: program, args: FLAGS });
console.log(server.wsEndpoint());
process.stdin.resume();
process.stdin.on("end", async () => {
  await server.close();
  process.exit(0);
});
