#!/usr/bin/env python3
"""Makes facts.json and sentences.jsonl from the example graphs and the frames in frames.tsv; the same input gives the same output.

    python3 benchmarks/grounding/verifier/make.py
"""
import hashlib, json, pathlib, re

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
LITERAL = r'"((?:[^"\\]|\\.)*)"(?:@([\w-]+)|\^\^xsd:(\w+))?'
TOKEN = re.compile(rf'{LITERAL}|(-?\d+(?:\.\d+)?)(?![\w:])|(true|false)\b|(<[^>]*>)|([\w-]+:[\w./-]+|\ba\b)|([;,.])')


def turtle(path):
    """Subject → predicate → objects of the regular Turtle that the examples are in."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith(("#", "@prefix")))
    graph, subject, predicate = {}, None, None
    for match in TOKEN.finditer(text):
        string, language, kind, number, boolean, iri, name, mark = match.groups()
        if mark == ".":
            subject = predicate = None
        elif mark == ";":
            predicate = None
        elif mark == ",":
            pass
        else:
            value = (
                ("text", string, language, kind) if string is not None
                else ("number", number) if number
                else ("boolean", boolean == "true") if boolean
                else ("name", iri or name)
            )
            if subject is None:
                subject = value[1]
                graph.setdefault(subject, {})
            elif predicate is None:
                predicate = value[1]
                graph[subject].setdefault(predicate, [])
            else:
                graph[subject][predicate].append(value)
    return graph


def labels(values):
    return [[value[1], (value[2] or "").split("-")[0] or None] for value in values or [] if value[0] == "text"]


def load():
    facts, entities, predicates, by_key = [], {}, {}, {}
    for name, prefix in (("world", "world:"), ("shop", "shop:")):
        graph = turtle(ROOT / "examples" / name / f"{name}.ttl")
        for subject, statements in graph.items():
            if subject.startswith(prefix) and ("name", "rdf:Property") in statements.get("a", []):
                predicates[subject] = {
                    "labels": labels(statements.get("rdfs:label")), "aliases": labels(statements.get("skos:altLabel")),
                    "single": labels(statements.get("loquat:template")), "plural": labels(statements.get("loquat:templatePlural")),
                    "inverse": labels(statements.get("loquat:inverseTemplate")),
                    "when_true": labels(statements.get("loquat:templateTrue")),
                    "when_false": labels(statements.get("loquat:templateFalse")), "unit": labels(statements.get("loquat:unit")),
                }
            elif "rdfs:label" in statements:
                entities[subject] = {
                    "labels": [label for label in labels(statements["rdfs:label"]) if label[1] in ("en", "zh", None)],
                    "aliases": [label for label in labels(statements.get("skos:altLabel")) if label[1] in ("en", "zh")],
                    "articles": labels(statements.get("loquat:article")),
                }
        for subject, statements in graph.items():
            for predicate, values in statements.items():
                if predicate in predicates and subject in entities:
                    for value in values:
                        key = f"{subject} {predicate}"
                        by_key.setdefault(key, []).append(len(facts))
                        facts.append([subject, predicate, value])
    return facts, entities, predicates, by_key


FACTS, ENTITIES, PREDICATES, BY_KEY = load()


def pick(items, *seed):
    """One of the items, the same each time."""
    digest = hashlib.sha256("|".join(map(str, seed)).encode()).digest()
    return items[int.from_bytes(digest[:8], "big") % len(items)]


def label(entity, language, article=False):
    own = [text for text, tag in ENTITIES[entity]["labels"] if tag == language]
    name = (own or [text for text, _ in ENTITIES[entity]["labels"]])[0]
    articles = [text for text, tag in ENTITIES[entity]["articles"] if tag == language]
    return f"{articles[0]} {name}" if article and articles else name


MONTHS = "January February March April May June July August September October November December".split()
UNITS = {"world:population": (" people", "人"), "world:area": (" km²", "平方公里"), "shop:warranty": (" months", "个月"),
         "shop:price": (" euros", "欧元"), "shop:batteryLife": (" hours", "小时"), "shop:chargingTime": (" hours", "小时"),
         "shop:weight": (" grams", "克"), "shop:stock": (" pieces", "件"), "shop:total": (" euros", "欧元")}
OTHER_UNIT = {" km²": " square miles", "平方公里": "平方英里", " months": " weeks", "个月": "周", " euros": " dollars", "欧元": "美元",
              " hours": " minutes", "小时": "分钟", " grams": " kilograms", "克": "公斤"}


def number(value, style, language):
    value = float(value)
    text = f"{value:.2f}" if value % 1 else f"{int(value)}"
    if style == "grouped" and value >= 10000:
        text = f"{int(value):,}"
    if style == "wan" and language == "zh" and value >= 10000:
        text = f"{value / 10000:.4f}".rstrip("0").rstrip(".") + "万"
    if style == "rounded" and value >= 10000:
        power = 10 ** (len(str(int(value))) - 3)
        rounded = round(value / power) * power
        if language == "zh":
            return "约" + f"{rounded / 10000:.4f}".rstrip("0").rstrip(".") + "万"
        return "about " + (f"{rounded / 1e6:.3f}".rstrip("0").rstrip(".") + " million" if rounded >= 1e6 else f"{rounded:,}")
    return text


def value_text(predicate, value, language, style, article=True):
    kind = value[0]
    if kind == "name":
        return label(value[1], language, article)
    if kind == "number":
        unit = UNITS.get(predicate, ("", ""))[language == "zh"]
        return number(value[1], style, language) + unit
    if kind == "text" and value[3] == "date":
        year, month, day = map(int, value[1].split("-"))
        if language == "zh":
            return f"{year}年{month}月{day}日"
        return {"grouped": f"{day} {MONTHS[month - 1]} {year}", "rounded": f"{MONTHS[month - 1]} {day}, {year}"}.get(
            style, f"{year:04}-{month:02}-{day:02}")
    return value[1]


def listed(values, language):
    if len(values) == 1:
        return values[0]
    if language == "zh":
        return "、".join(values[:-1]) + "和" + values[-1]
    return (", ".join(values[:-1]) + " and " + values[-1])


def objects(key, language, style):
    return [value_text(FACTS[index][1], FACTS[index][2], language, style) for index in BY_KEY[key]
            if not (FACTS[index][2][0] == "text" and FACTS[index][2][2] and not FACTS[index][2][2].startswith(language))]


def fill(frame, subject, language, style, change=None):
    """The frame said of a subject; `change` replaces what one slot holds."""
    keys, text = frame["keys"], frame["text"]
    slots = {"s": label(subject, language, True), "n": label(subject, language)}
    for place, predicate in enumerate(keys):
        slots[f"o{place or ''}"] = listed(objects(f"{subject} {predicate}", language, style), language)
    slots.update(change or {})
    said = re.sub(r"\{(\w+)\}", lambda match: slots[match.group(1)], text)
    return said[0].upper() + said[1:] if said[0].islower() and not said.startswith(("iP", "mac")) else said


def subjects_of(frame):
    found = []
    for key in BY_KEY:
        subject, predicate = key.split(" ")
        if predicate == frame["keys"][0] and all(f"{subject} {other}" in BY_KEY for other in frame["keys"]):
            lists = [BY_KEY[f"{subject} {other}"] for other in frame["keys"]]
            single = frame["list"] == "one"
            if all(len(items) <= 6 for items in lists) and all(not single or len(items) == 1 for items in lists):
                if frame["list"] != "several" or len(lists[0]) > 1:
                    found.append(subject)
    return sorted(found)


def corrupt(frame, subject, language, style, kind, others):
    """A false sentence of the frame, with the kind of its corruption; nothing where that kind does not fit."""
    predicate = frame["keys"][0]
    own = objects(f"{subject} {predicate}", language, style)
    good = fill(frame, subject, language, style)
    other = pick(others, frame["id"], subject, kind)
    said = None
    if kind == "object":
        said = fill(frame, subject, language, style, {"o": listed(objects(f"{other} {predicate}", language, style), language)})
    elif kind == "subject":
        said = fill(frame, subject, language, style, {"s": label(other, language, True), "n": label(other, language)})
        if set(objects(f"{other} {predicate}", language, style)) == set(own):
            return None
    elif kind == "direction" and all(FACTS[i][2][0] == "name" for i in BY_KEY[f"{subject} {predicate}"]) and predicate != "world:borders":
        said = fill(frame, subject, language, style, {"o": label(subject, language, True), "s": own[0], "n": own[0]})
    elif kind == "number" and FACTS[BY_KEY[f"{subject} {predicate}"][0]][2][0] == "number":
        value = float(FACTS[BY_KEY[f"{subject} {predicate}"][0]][2][1])
        wrong = value * pick([1.1, 0.9, 2, 10, 0.5], subject, frame["id"]) if value else 7.0
        wrong = round(wrong) if value % 1 == 0 else round(wrong, 2)
        if wrong == value:
            wrong += 1
        said = fill(frame, subject, language, style, {"o": value_text(predicate, ("number", wrong), language, style)})
    elif kind == "unit":
        for unit, wrong in OTHER_UNIT.items():
            if unit in good:
                said = good.replace(unit, wrong, 1)
    elif kind == "date" and FACTS[BY_KEY[f"{subject} {predicate}"][0]][2][3:] == ("date",):
        year, month, day = map(int, FACTS[BY_KEY[f"{subject} {predicate}"][0]][2][1].split("-"))
        wrong = pick([(year - 1, month, day), (year, month % 12 + 1, day), (year, month, day % 28 + 1)], subject, frame["id"])
        text = "%04d-%02d-%02d" % wrong
        said = fill(frame, subject, language, style, {"o": value_text(predicate, ("text", text, None, "date"), language, style)})
    elif kind == "negation":
        for plain, denied in ((" is ", " is not "), (" are ", " aren't "), (" has ", " never has "), ("是", "不是"), ("为", "并非"),
                              ("有", "没有"), ("位于", "并不位于"), (" costs ", " doesn't cost "), (" weighs ", " never weighs ")):
            if plain in good:
                said = good.replace(plain, denied, 1)
                break
    elif kind == "hedge":
        said = (pick(["据说", "可能", "以前", "据传"], subject, frame["id"]) + good) if language == "zh" else (
            pick(["Allegedly, ", "Perhaps ", "Formerly, ", "Until 1990, ", "Soon, "], subject, frame["id"]) + good[0].lower() + good[1:])
    elif kind == "addition":
        said = (good.rstrip("。") + pick(["，并且是世界上最好的。", "，历史悠久。", "和火星。", "，人人皆知。"], subject, frame["id"])) if language == "zh" else (
            good.rstrip(".") + pick([", which is the oldest in the world.", " and Atlantis.", ", founded in 1907.", ", as everybody likes."], subject, frame["id"]))
    elif kind == "quantifier":
        said = ("只有" + good) if language == "zh" else ("Only " + good[0].lower() + good[1:])
    elif kind == "partial" and len(own) > 1:
        said = fill(frame, subject, language, style, {"o": listed(own[:-1], language)})
    elif kind == "name":
        invented = "新亚特兰蒂斯" if language == "zh" else "Port Ellery"
        if FACTS[BY_KEY[f"{subject} {predicate}"][0]][2][0] == "name":
            said = fill(frame, subject, language, style, {"o": invented})
    elif kind == "question":
        said = good.rstrip(".。") + ("吗？" if language == "zh" else "?")
    return said if said and said != good else None


KINDS = ["object", "number", "name", "unit", "negation", "direction", "subject", "date", "partial", "hedge", "addition", "quantifier",
         "question"]
EACH = 7


COUNTS = {"en": "zero one two three four five six seven eight nine ten eleven twelve".split(),
          "zh": "零 一 两 三 四 五 六 七 八 九 十 十一 十二".split()}
KINDS_OF_ENTITY = "country:"


def computed():
    """Sentences that count and compare, each with false ones: another number or order, and what the frame has for it."""
    for line in (HERE / "computed.tsv").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        language, kind, predicate, frame, false = line.split("\t")
        subjects = sorted(key.split(" ")[0] for key, facts in BY_KEY.items()
                          if key.startswith(KINDS_OF_ENTITY) and key.endswith(" " + predicate)
                          and (kind == "count" and 2 <= len(facts) <= 6 or kind != "count" and len(facts) == 1))
        subjects.sort(key=lambda subject: hashlib.sha256(f"{frame}{subject}".encode()).hexdigest())
        many = {"count": 1, "comparison": 2, "extreme": 3}[kind]
        for turn in range(3):
            chosen = subjects[turn * many:turn * many + many]
            evidence = [f"{subject} {predicate}" for subject in chosen]
            base = {"language": language, "frame": "computed", "held_out": False, "evidence": evidence}
            named = lambda subject: label(subject, language, True)
            if kind == "count":
                count = len(BY_KEY[evidence[0]])
                slots = lambda wrong: {"s": named(chosen[0]), "c": COUNTS[language][count + wrong] if turn % 2 else str(count + wrong)}
            else:
                value = lambda subject: float(FACTS[BY_KEY[f"{subject} {predicate}"][0]][2][1])
                order = sorted(chosen, key=value, reverse=True)
                assert len({value(subject) for subject in chosen}) == many

                def slots(wrong):
                    ranked = order[::-1] if wrong else order
                    names = {"a": named(ranked[0]), "n": label(ranked[0], language), "b": named(ranked[-1]), "g": named(ranked[0]),
                             "m": named(ranked[-1])}
                    return {**names, "l": listed([named(subject) for subject in chosen], language)}
            for verdict, text, wrong in (("good", frame, 0), ("bad", frame, pick([1, -1], frame, turn)), ("bad", false, 0)):
                said = re.sub(r"\{(\w)\}", lambda match: slots(wrong)[match.group(1)], text)
                said = said[0].upper() + said[1:]
                yield {**base, "label": verdict, "kind": verdict if verdict == "good" else kind, "sentence": said}


def main():
    frames = []
    for line in (HERE / "frames.tsv").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            part, language, listing, keys, text = line.split("\t")
            frames.append({"id": f"{language}-{len(frames) + 1:03}", "held_out": part == "held", "language": language, "list": listing,
                           "keys": keys.split(","), "text": text})
    lines, kinds = [], {}
    for frame in frames:
        language = frame["language"]
        found = subjects_of(frame)
        found.sort(key=lambda subject: hashlib.sha256(f"{frame['id']}{subject}".encode()).hexdigest())
        for count, subject in enumerate(found[:EACH]):
            style = pick(["grouped", "rounded" if frame["keys"][0].startswith("world") else "grouped", "plain", "wan"], frame["id"], subject)
            base = {"language": language, "frame": frame["id"], "held_out": frame["held_out"],
                    "evidence": [f"{subject} {predicate}" for predicate in frame["keys"]]}
            lines.append({**base, "label": "good", "kind": "good", "sentence": fill(frame, subject, language, style)})
            others = [other for other in found if other != subject and set(objects(f"{other} {frame['keys'][0]}", language, style))
                      != set(objects(f"{subject} {frame['keys'][0]}", language, style))]
            if not others:
                continue
            order = sorted(KINDS, key=lambda kind: kinds.get((language, kind), 0))
            for kind in order:
                said = corrupt(frame, subject, language, style, kind, others)
                if said:
                    kinds[language, kind] = kinds.get((language, kind), 0) + 1
                    lines.append({**base, "label": "bad", "kind": kind, "sentence": said})
                    break
    for line in (HERE / "free.tsv").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            language, verdict, kind, evidence, sentence = line.split("\t")
            for key in evidence.split(","):
                assert key in BY_KEY, key
            lines.append({"language": language, "frame": "free", "held_out": False, "evidence": evidence.split(","), "label": verdict,
                          "kind": kind, "sentence": sentence})
    lines.extend(computed())
    used = {key for line in lines for key in line["evidence"]}
    facts = [fact for fact in FACTS if f"{fact[0]} {fact[1]}" in used]
    named = {fact[0] for fact in facts} | {fact[2][1] for fact in facts if fact[2][0] == "name"}
    data = {"predicates": {key: PREDICATES[key] for key in sorted({fact[1] for fact in facts})},
            "entities": {key: ENTITIES[key] for key in sorted(named)}, "facts": facts}
    (HERE / "facts.json").write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n")
    with (HERE / "sentences.jsonl").open("w") as out:
        for line in lines:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    good = sum(line["label"] == "good" for line in lines)
    chinese = sum(line["language"] == "zh" for line in lines)
    print(f"{len(frames)} frames, {len(lines)} sentences: {good} good, {len(lines) - good} bad, {chinese} Chinese")


main()
