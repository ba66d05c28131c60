// In: world-countries and three CLDR packages from npm, and the hand-written tables in make/. Out: world.ttl.
// Run: node examples/world/make-world.mjs [FOLDER with the packed .tgz files; without it, npm packs them]
// The output depends on the pinned packages and the tables alone: the same bytes every time.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = {
    "world-countries-5.1.0": "329eb6ef4099ffb590219c9beb634bf489a5e4b10d8ab0ac52a58ebf7b9f8495",
    "cldr-core-48.2.0": "5310e0c7a06c1feb83dc8e54c8584bbe0b9c2ea8320172a18d541986b124585d",
    "cldr-localenames-full-48.2.0": "7f2ac7fd3b5d90f56ad127f9ed5ae67b58b3e556818f55530b9f47bb81bcde57",
    "cldr-numbers-full-48.2.0": "2d17a1453c559a62112caeed52e0bcfe3cb8539c99d239ae7b7ed4d0827679d9",
};
const here = dirname(fileURLToPath(import.meta.url));

/** Unpacks every package below `work` and gives a reader of JSON files inside them. */
function openPackages(work, given) {
    for (const [name, sha256] of Object.entries(PACKAGES)) {
        const [, pack, version] = name.match(/^(.*)-([\d.]+)$/);
        let archive = given && join(given, `${name}.tgz`);
        if (!archive || !existsSync(archive)) {
            execFileSync("npm", ["pack", `${pack}@${version}`, "--silent", "--pack-destination", work]);
            archive = join(work, `${name}.tgz`);
        }
        const found = createHash("sha256").update(readFileSync(archive)).digest("hex");
        if (found !== sha256) throw new Error(`${archive}: SHA-256 ${found}, expected ${sha256}`);
        mkdirSync(join(work, name));
        execFileSync("tar", ["-xzf", archive, "-C", join(work, name)]);
    }
    const full = (short) => Object.keys(PACKAGES).find((name) => name.startsWith(short));
    return (short, path) => JSON.parse(readFileSync(join(work, full(short), "package", path), "utf8"));
}

/** Rows of a table in make/, without comments. */
const table = (name) =>
    readFileSync(join(here, "make", name), "utf8")
        .split("\n")
        .filter((line) => line && !line.startsWith("#"))
        .map((line) => line.split("\t"));

const slug = (text) =>
    text.normalize("NFD").replace(/\p{M}/gu, "").replace(/['ʻ’.,()]/g, "").toLowerCase()
        .replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
const byCodePoint = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const text = (value, tag) =>
    `"${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"${tag ? `@${tag}` : ""}`;

/** An entity: labels by language, aliases in the order of preference, facts as [predicate, Turtle term]. */
class Entity {
    constructor(id, type, labels) {
        Object.assign(this, { id, type, labels, aliases: [], facts: [], article: undefined });
    }
    alias(tag, ...names) {
        for (const name of names) if (name?.trim()) this.aliases.push({ tag, name: name.trim() });
        return this;
    }
    fact(predicate, ...terms) {
        for (const term of terms) this.facts.push([predicate, term]);
        return this;
    }
}

const work = mkdtempSync(join(tmpdir(), "loquat-world-"));
try {
    const read = openPackages(work, process.argv[2]);
    writeFileSync(join(here, "world.ttl"), build(read));
} finally {
    rmSync(work, { recursive: true, force: true });
}

function build(read) {
    const countries = read("world-countries", "countries.json");
    const population = read("cldr-core", "supplemental/territoryInfo.json").supplemental.territoryInfo;
    const replaced = read("cldr-core", "supplemental/aliases.json").supplemental.metadata.alias.languageAlias;
    const locale = (tag, file, key) =>
        read("cldr-localenames", `main/${tag}/${file}.json`).main[tag].localeDisplayNames[key];
    const names = Object.fromEntries(["en", "zh", "de"].map((tag) => [tag, {
        territory: locale(tag, "territories", "territories"),
        language: locale(tag, "languages", "languages"),
        money: read("cldr-numbers", `main/${tag}/currencies.json`).main[tag].numbers.currencies,
    }]));
    const corrections = JSON.parse(readFileSync(join(here, "make/corrections.json"), "utf8"));
    const words = JSON.parse(readFileSync(join(here, "make/names.json"), "utf8"));
    const capitals = new Map(table("capitals.tsv").map(([cc, en, zh, de, other]) =>
        [`${cc}/${en}`, { zh, de: de === "-" ? en : de, other: (other ?? "").split("|") }]));

    for (const country of countries) Object.assign(country, pick(corrections[country.cca2] ?? {}, country));
    const entities = new Map();
    const put = (entity) => (entities.set(entity.id, entity), entity);
    const languageTag = (code) => code === "prs" ? code : (replaced[code]?._replacement ?? code).split("-")[0];

    const regionOf = new Map();
    const region = (name) => {
        if (!regionOf.has(name)) {
            const { en = name, zh, de, article, aliases = [] } = words.regions[name];
            const entity = put(new Entity(`region:${slug(name)}`, "Region", { en, "zh-Hans": zh, de }));
            entity.article = article;
            entity.alias("en", ...aliases);
            regionOf.set(name, entity);
        }
        return regionOf.get(name).id;
    };
    const language = (code) => {
        const tag = languageTag(code);
        const id = `language:${tag}`;
        if (!entities.has(id)) {
            const own = words.languages[tag];
            const label = (locale) => own?.[locale] ?? names[locale].language[tag];
            const source = countries.map((c) => c.languages[code]).find(Boolean);
            put(new Entity(id, "Language", { en: label("en") ?? source, "zh-Hans": label("zh"), de: label("de") }))
                .alias("en", source === "Persian (Farsi)" ? undefined : source);
        }
        return id;
    };
    const currency = (code) => {
        const id = `currency:${code}`;
        if (!entities.has(id)) {
            const own = words.currencies[code];
            const source = countries.map((c) => c.currencies[code]).find((found) => found?.name);
            const label = (locale, key) => own?.[locale] ?? names[locale].money[code]?.[key];
            const en = label("en", "displayName-count-one") ?? label("en", "displayName");
            const entity = put(new Entity(id, "Currency", {
                en, "zh-Hans": label("zh", "displayName"), de: label("de", "displayName"),
            }));
            entity.article = "the";
            entity.alias("en", names.en.money[code]?.["displayName-count-other"]);
            if (source && !words.bareCurrencyNames.includes(source.name)) entity.alias("en", source.name);
            if (!words.codesThatAreWords.includes(code)) entity.alias("en", code);
            entity.unitName = en.split(" ").at(-1);
            entity.fact("currencyCode", text(code));
            const symbol = own?.symbol ?? source?.symbol;
            if (symbol) entity.fact("currencySymbol", text(symbol));
        }
        return id;
    };
    const capitalNames = countries.flatMap((c) => c.capital.map((name) => slug(name)));
    const capital = (country, name) => {
        if (words.cityStates.includes(country.cca2)) return countryId(country);
        const row = capitals.get(`${country.cca2}/${name}`);
        if (!row) throw new Error(`make/capitals.tsv lacks ${name} (${country.cca2})`);
        const shared = capitalNames.filter((other) => other === slug(name)).length > 1;
        const id = `city:${slug(name)}${shared ? `-${slug(country.name.common)}` : ""}`;
        const label = name === country.name.common ? `${name} City` : name;
        const entity = put(new Entity(id, "City", { en: label, "zh-Hans": row.zh, de: row.de }));
        for (const other of row.other) entity.alias(/\p{Script=Han}/u.test(other) ? "zh-Hans" : "en", other);
        entity.article = words.articles.includes(label) ? "the" : undefined;
        return id;
    };

    const byCode = new Map(countries.map((country) => [country.cca3, country]));
    for (const country of countries) {
        const { cca2, name, translations } = country;
        const common = names.en.territory;
        const zh = names.zh.territory[`${cca2}-alt-short`] ?? names.zh.territory[cca2];
        const german = translations.deu?.common ?? names.de.territory[cca2];
        const entity = put(new Entity(countryId(country), "Country", { en: name.common, "zh-Hans": zh, de: german }));
        if (/\b(Islands|Lands)$/.test(name.common) || words.articles.includes(name.common)) entity.article = "the";
        entity.alias("en", name.official, common[cca2], common[`${cca2}-alt-short`], common[`${cca2}-alt-variant`]);
        entity.alias("zh-Hans", names.zh.territory[cca2], translations.zho?.official);
        if (cca2 !== "DM") entity.alias("zh-Hans", translations.zho?.common);
        entity.alias("de", translations.deu?.official);
        for (const other of country.altSpellings)
            if (/\p{Script=Latin}/u.test(other) && other.length > 3) entity.alias("en", other);
        for (const [code, native] of Object.entries(name.native))
            if (!["eng", "zho"].includes(code)) entity.alias(languageTag(code), native.common);

        const demonyms = (country.demonyms?.eng?.m ?? "").split(/, | or /).filter(Boolean);
        entity.demonyms = demonyms;
        entity.fact("capital", ...country.capital.map((city) => capital(country, city)));
        if (population[cca2]?._population > 0) entity.fact("population", population[cca2]._population);
        if (country.area > 0) entity.fact("area", decimal(country.area));
        entity.fact("currency", ...Object.keys(country.currencies).sort(byCodePoint).map(currency));
        entity.fact("language", ...Object.keys(country.languages).map(language));
        entity.fact("borders", ...country.borders.map((code) => countryId(byCode.get(code))));
        const world = country.region === "Antarctic" ? "Antarctica" : country.region;
        entity.fact("region", region(world));
        if (country.subregion) entity.fact("subregion", region(country.subregion));
        entity.fact("continent", region(continent(world, country.subregion)));
        entity.fact("callingCode", ...callingCodes(country).map((code) => text(code)));
        entity.fact("demonym", ...demonyms.map((demonym) => text(demonym, "en")));
        entity.fact("officialName", text(name.official, "en"));
        if (translations.zho?.official) entity.fact("officialName", text(words.officialNames[cca2] ?? translations.zho.official, "zh-Hans"));
        entity.fact("topLevelDomain", ...country.tld.filter((tld) => /^\.[a-z]+$/.test(tld)).map((tld) => text(tld)));
        entity.fact("isoAlpha2", text(cca2)).fact("isoAlpha3", text(country.cca3));
        entity.fact("landlocked", String(country.landlocked)).fact("unMember", String(country.unMember));
        entity.fact("flag", text(country.flag));
    }
    const unitNames = [...entities.values()].map((entity) => entity.unitName);
    for (const entity of entities.values()) {
        const unit = entity.unitName;
        const own = unitNames.filter((other) => other === unit).length === 1 && !words.unitsThatAreWords.includes(unit);
        if (unit && own) entity.alias("en", unit);
    }
    for (const [id, tag, list] of table("aliases.tsv")) {
        const [kind, code] = id.split(":");
        const found = kind === "country" ? countryId(countries.find((c) => c.cca2 === code)) : id;
        if (!entities.has(found)) throw new Error(`make/aliases.tsv: no ${id}`);
        entities.get(found).alias(tag, ...list.split("|"));
    }
    return write([...entities.values()], words);
}

/** The corrected fields in the shape of the source. */
function pick({ capital, currencies, languages }, country) {
    const keyed = (codes, old, absent) => Object.fromEntries(codes.map((code) => [code, old[code] ?? absent]));
    return {
        ...(capital && { capital }),
        ...(currencies && { currencies: keyed(currencies, country.currencies, {}) }),
        ...(languages && { languages: keyed(languages, country.languages, "") }),
    };
}

function countryId(country) {
    return `country:${slug(country.name.common)}`;
}

function decimal(number) {
    return Number.isInteger(number) ? `${number}.0` : String(number);
}

function continent(region, subregion) {
    if (region !== "Americas") return region;
    return subregion === "South America" ? "South America" : "North America";
}

/** One code per country; zone 1 (North America) names its area codes where they tell countries apart. */
function callingCodes({ idd: { root, suffixes = [] } }) {
    if (!root) return [];
    if (root === "+7" || suffixes.length > 5) return [root];
    const joined = suffixes.map((suffix) => (root === "+1" ? `${root} ${suffix}` : root + suffix));
    return root === "+2" && joined.some((code) => code.startsWith("+2125")) ? ["+212"] : joined;
}

/** Drops aliases that would mislead: repeated ones, another entity's label, a demonym that two entities could claim. */
function settleAliases(entities) {
    const key = (name) => name.normalize("NFKC").toLowerCase();
    const labels = new Map();
    for (const entity of entities)
        for (const label of Object.values(entity.labels)) if (label)
            labels.set(key(label), (labels.get(key(label)) ?? new Set()).add(entity.id));
    const claims = new Map();
    for (const entity of entities)
        for (const name of new Set([...entity.aliases.map((a) => a.name), ...(entity.demonyms ?? [])].map(key)))
            claims.set(name, (claims.get(name) ?? 0) + 1);
    for (const entity of entities) {
        const free = (name) => !labels.has(key(name)) || labels.get(key(name)).has(entity.id);
        for (const demonym of entity.demonyms ?? [])
            if (free(demonym) && claims.get(key(demonym)) === 1) entity.alias("en", demonym);
        const seen = new Set(Object.values(entity.labels).filter(Boolean).map(key));
        entity.aliases = entity.aliases.filter(({ name }) => {
            const again = seen.has(key(name));
            seen.add(key(name));
            return !again && free(name);
        });
    }
}

function write(entities, words) {
    const bare = entities.filter(({ labels }) => !labels.en || !labels["zh-Hans"]);
    if (bare.length) throw new Error(`without an English or Chinese label: ${bare.map((entity) => entity.id).join(", ")}`);
    settleAliases(entities);
    const parts = [readFileSync(join(here, "make/header.ttl"), "utf8")];
    parts.push(readFileSync(join(here, "make/predicates.ttl"), "utf8").replace(/^(#.*\n)+\n/, ""));
    const kinds = ["Country", "City", "Currency", "Language", "Region"];
    for (const kind of kinds) {
        const chosen = entities.filter((entity) => entity.type === kind).sort((a, b) => byCodePoint(a.id, b.id));
        parts.push(chosen.map((entity) => turtle(entity, words)).join("\n"));
    }
    return parts.join("\n");
}

function turtle({ id, type, labels, aliases, article, facts }) {
    const rows = [`a world:${type}`];
    const tagged = Object.entries(labels).filter(([, label]) => label);
    rows.push(`rdfs:label ${tagged.map(([tag, label]) => text(label, tag)).join(", ")}`);
    const sorted = aliases.toSorted((a, b) => byCodePoint(a.tag, b.tag) || byCodePoint(a.name, b.name));
    if (sorted.length) rows.push(`skos:altLabel ${sorted.map(({ tag, name }) => text(name, tag)).join(", ")}`);
    if (article) rows.push(`loquat:article ${text(article, "en")}`);
    const grouped = new Map();
    for (const [predicate, term] of facts) grouped.set(predicate, [...(grouped.get(predicate) ?? []), term]);
    for (const [predicate, terms] of grouped)
        rows.push(`world:${predicate} ${[...new Set(terms)].sort(byCodePoint).join(", ")}`);
    return `${id} ${rows.join(" ;\n    ")} .\n`;
}
