#!/usr/bin/env python3
"""Checks the rewordings beside this file: patterns compile, forms name only groups, and how many questions each covers.

    check.py [--data ../shared/data]

A question is reworded by the first pattern that matches it. Printed for each set: how many questions some pattern matches,
and the rewordings that match none. For MetaQA, where the path tells the hops, a question that a path of other hops claims
is an error; so is, for EntityQuestions, one that another relation's pattern claims alone. Exit code 1 on any error.
Needs Python 3.11 and nothing else. Python's `re` and Rust's `regex` agree on all that is used here; look-around and
back-references, which Rust lacks, are refused.
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
NOT_IN_RUST = re.compile(r"\(\?[=!]|\(\?<[=!]|\\[1-9]|\(\?P=")


def lines(path):
    opened = gzip.open(path, "rt", encoding="utf-8")
    with opened as file:
        yield from file


def entityquestions(data):
    for line in lines(data / "entityquestions/dev.jsonl.gz"):
        item = json.loads(line)
        yield item["question"], item["relation"], "all"


def metaqa(data):
    for hops in (1, 2, 3):
        for line in lines(data / f"metaqa/{hops}-hop-dev.tsv.gz"):
            question = line.split("\t")[0]
            yield question.replace("[", "").replace("]", ""), None, f"{hops} hops"


def nlpcc(data):
    for line in lines(data / "nlpcc2016-kbqa/train.jsonl.gz"):
        yield json.loads(line)["question"].strip(), None, "all"


SETS = {"entityquestions": entityquestions, "metaqa": metaqa, "nlpcc": nlpcc}


def hops_of(path):
    """How many facts a path has: “film director films genres” is three, a walk over four things."""
    text = path.replace("release years", "years").replace("release year", "year")
    return f"{len(text.split()) - 1} hops"


def check(name, questions):
    rewordings = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))["rewording"]
    errors = []
    for rewording in rewordings:
        if NOT_IN_RUST.search(rewording["pattern"]):
            errors.append(f"not in Rust's regex: {rewording['pattern']}")
        rewording["compiled"] = re.compile(rewording["pattern"])
        groups = set(rewording["compiled"].groupindex)
        if not groups:
            errors.append(f"no named group: {rewording['pattern']}")
        if len(set(rewording["forms"])) != len(rewording["forms"]) or not 3 <= len(rewording["forms"]) <= 8:
            errors.append(f"three to eight different forms are wanted: {rewording['pattern']}")
        for form in rewording["forms"]:
            named = set(re.findall(r"{(\w+)}", form))
            if named - groups or not named:
                errors.append(f"form names {named - groups or 'nothing'}: {form}")
    seen, matched, used = collections.Counter(), collections.Counter(), collections.Counter()
    missed, examples = collections.defaultdict(list), {}
    for question, relation, part in questions:
        seen[part] += 1
        for index, rewording in enumerate(rewordings):
            if relation and rewording.get("relation") not in (None, relation):
                continue
            match = rewording["compiled"].search(question)
            if match is None:
                continue
            matched[part] += 1
            used[index] += 1
            if "path" in rewording and hops_of(rewording["path"]) != part:
                errors.append(f"{part}, but {rewording['path']}: {question}")
            if not any(match.groupdict().values()):
                errors.append(f"empty name: {question}")
            form = rewording["forms"][used[index] % len(rewording["forms"])]
            groups = {key: value or "" for key, value in match.groupdict().items()}
            examples[index] = (question, form.format(**groups))
            break
        else:
            missed[part].append(question)
    for part in sorted(seen):
        print(f"{name} {part}: {matched[part]} of {seen[part]} questions match ({matched[part] / seen[part]:.1%})")
    for index, rewording in enumerate(rewordings):
        if used[index] == 0:
            errors.append(f"matches nothing: {rewording['pattern']}")
    return errors, missed, examples


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    arguments.add_argument("--show", action="store_true", help="print an example of each rewording and some that match none")
    arguments = arguments.parse_args()
    failed = False
    for name, read in SETS.items():
        errors, missed, examples = check(name, read(arguments.data))
        for error in errors[:20]:
            print(f"  error: {error}")
        failed |= bool(errors)
        if arguments.show:
            for question, form in examples.values():
                print(f"  {question}  →  {form}")
            for part, questions in missed.items():
                print(f"  no pattern ({part}): {questions[:: max(1, len(questions) // 25)]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
