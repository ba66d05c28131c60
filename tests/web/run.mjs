// Plays one scenario: `node run.mjs NAME URL [KEY=VALUE…]`. The browser is the one that LOQUAT_WEB_BROWSER names, else one of its own.
// Pictures go to LOQUAT_LOOK. It ends with 0 where everything held, and says what did not.

import { Stage } from "./stage.mjs";

const [name, url, ...settings] = process.argv.slice(2);
if (!url) throw new Error("give a scenario of scenarios/ and the bot's address");
const { default: scenario } = await import(`./scenarios/${name}.mjs`);
const stage = await Stage.open(name, url, Object.fromEntries(settings.map((setting) => setting.split(/=(.*)/s, 2))));
try {
  await scenario(stage);
  await stage.check();
} catch (error) {
  await stage.picture("failed");
  console.error(error.stack ?? error);
  console.error(stage.told());
  process.exitCode = 1;
}
await stage.close();
process.exit();
