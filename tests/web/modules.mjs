// The packages of package-lock.json. They lie beside these scripts after `npm ci`, or in the folder that LOQUAT_WEB_MODULES names, so that
// none is left in the checkout.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const folder = process.env.LOQUAT_WEB_MODULES;
const require = createRequire(folder ? `${folder}/` : import.meta.url);

export const { chromium } = require("playwright-core");

/** A package that is a module of its own. */
export const load = (name) => import(pathToFileURL(require.resolve(name)));

/** A file of a package. */
export const fileOf = (path) => require.resolve(path);

/** The browser's program. */
export const program = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** What keeps the browser from asking the world for anything by itself, and from needing more than a container has. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--no-first-run",
];
