// What the page itself says: files of words under keys, one a language. What the bot says is the bot's.

const RIGHT_TO_LEFT = /^(ar|arc|ckb|dv|fa|he|ks|ku-arab|nqo|ps|sd|syr|ug|ur|yi)\b/i;

/** The languages that are built in, by the first part of their tags. */
const BUILT_IN = { en: () => import("./words/en.js"), zh: () => import("./words/zh.js") };

async function builtIn(language) {
  return (await BUILT_IN[language]()).default;
}

async function fromFile(address) {
  try {
    const response = await fetch(address, { credentials: "omit" });
    const read = await response.json();
    return read && typeof read === "object" ? read : null;
  } catch (error) {
    console.warn(`Loquat: the words at ${address} could not be read (${error.message}); English or Chinese is used.`);
    return null;
  }
}

/**
 * The words of the first language of `wanted` that there is, or those of a file; what a file does
 * not say is said in the built-in language that fits best.
 * `words(key, values)` fills in `{name}`, and picks `key.one`, `key.few`, … by a `count`.
 */
export async function wordsFor(wanted, file) {
  const own = file ? await fromFile(file) : null;
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => Object.hasOwn(BUILT_IN, tag)) ?? "en";
  const chosen = own ?? (await builtIn(known));
  // What is built in has every key.
  const fallback = own ? await builtIn(known) : chosen;
  const language = chosen.language ?? (own ? wanted[0] : known) ?? "en";
  let plurals;
  try {
    plurals = new Intl.PluralRules(language);
  } catch {
    plurals = new Intl.PluralRules("en");
  }
  const find = (key) => [chosen[key], fallback[key]].find((text) => typeof text === "string");
  const words = (key, values = {}) => {
    const plural = "count" in values ? (chosen[`${key}.${plurals.select(values.count)}`] ?? find(`${key}.other`)) : null;
    const text = (typeof plural === "string" ? plural : null) ?? find(key) ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? `${values[name]}` : whole));
  };
  words.language = language;
  words.direction = chosen.direction ?? (RIGHT_TO_LEFT.test(language) ? "rtl" : "ltr");
  return words;
}
