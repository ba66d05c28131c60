"""The engine beside llama.cpp and ONNX Runtime GenAI. In: the model as GGUF and as ONNX. Out: a table with medians and ratios.

Every peer gets the same prompts, the same number of new tokens and the same threads. Peers take turns within each round, so
that whatever else the machine does meets all of them; a ratio is the median over rounds of the ratio within a round.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import time

import chat
from peer import Peer, example, python
from places import WORK, gguf, library, shipped
from text import Prose

THREADS = os.environ["THREADS"]


def endless(source):
    """The model with another end-of-turn token, one that it never writes: every reply then has all its tokens.

    llama.cpp and GenAI have a setting for that. Files are hard links where the file system can do it."""
    target = WORK / "endless"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix == ".json" and file.name != "tokenizer.json" or file.suffix == ".jinja":
            shutil.copy(file, target)
        elif file.is_file() and not file.name.startswith("."):
            try:
                os.link(file.resolve(), target / file.name)
            except OSError:
                shutil.copy(file, target)
    unused = "<jupyter_start>"
    number = chat.TOKENIZER.token_to_id(unused)
    for name, change in {
        "genai_config.json": lambda config: config["model"].update(eos_token_id=number),
        "generation_config.json": lambda config: config.update(eos_token_id=number),
        "config.json": lambda config: config.update(eos_token_id=number),
        "tokenizer_config.json": lambda config: config.update(eos_token=unused),
    }.items():
        if (target / name).is_file():
            config = json.loads((target / name).read_text())
            change(config)
            (target / name).write_text(json.dumps(config))
    return target


class Jobs:
    """What is asked of the peers; never the same text twice."""

    def __init__(self):
        self.prose = Prose(chat.encode)

    def single(self, prompt, tokens):
        """One question."""
        return {"conversations": [{"turns": [self.asked(prompt)]}], "tokens": tokens}

    def asked(self, tokens, start=""):
        whole = lambda text: chat.opening(None) + chat.question(start + text)
        return start + self.prose.take(tokens, whole)

    def distinct(self, count, prompt, tokens):
        """Questions that have nothing in common."""
        return {"conversations": [{"turns": [self.asked(prompt)]} for _ in range(count)], "tokens": tokens}

    def bot(self, count, persona, turns, tokens):
        """Conversations with one bot: a common beginning, and turns."""
        system = self.prose.take(persona, chat.opening)
        talk = lambda: [self.prose.take(24, chat.question) for _ in range(turns)]
        return {"conversations": [{"system": system, "turns": talk()} for _ in range(count)], "tokens": tokens}


def check(name, job, answer):
    """Everybody wrote all the tokens."""
    wanted = job["tokens"] * sum(len(one["turns"]) for one in job["conversations"])
    wrote = sum(turn["completion"] for turn in answer["turns"])
    if wrote != wanted:
        raise SystemExit(f"{name} wrote {wrote} tokens of {wanted}")
    return wrote


def decode(job, answer):
    """Tokens a second after the first."""
    (turn,) = answer["turns"]
    return (turn["completion"] - 1) / (turn["seconds"] - turn["first"])


def prefill(job, answer):
    """Tokens a second until the first."""
    (turn,) = answer["turns"]
    return turn["prompt"] / turn["first"]


def together(job, answer):
    """Tokens a second, of all, from the first question to the last token."""
    return sum(turn["completion"] for turn in answer["turns"]) / answer["seconds"]


class Board:
    """All that was measured."""

    def __init__(self):
        self.rates, self.turns = {}, {}

    def run(self, measure, rate, peers, job, turn):
        """Everybody once; who begins changes from round to round."""
        order = peers[turn % len(peers) :] + peers[: turn % len(peers)]
        for who, peer in order:
            time.sleep(0.1)
            answer = peer.job(**job)
            check(peer.name, job, answer)
            self.rates.setdefault(measure, {}).setdefault(who, []).append(rate(job, answer))
            self.turns.setdefault(measure, {}).setdefault(who, []).append(answer)

    def median(self, measure, who):
        return statistics.median(self.rates[measure][who])

    def ratio(self, measure, one, other):
        pairs = zip(self.rates[measure][one], self.rates[measure][other])
        return statistics.median(a / b for a, b in pairs)

    def first(self, measure, who, share):
        firsts = sorted(turn["first"] for answer in self.turns[measure][who] for turn in answer["turns"])
        return firsts[min(len(firsts) - 1, int(share * len(firsts)))]


def best(board, jobs, measure, rate, candidates, make):
    """Tries a peer's settings once each, after a run that warms it up, and names the fastest."""
    scores = {}
    for name, peer in candidates.items():
        peer.job(**jobs.single(64, 8))
        job = make()
        answer = peer.job(**job)
        check(name, job, answer)
        scores[name] = rate(job, answer)
    board.settings[measure] = scores
    return max(scores, key=scores.get)


def compare(arguments, board, jobs, folder, started):
    """All measures with a peer; returns the settings that were best."""
    context = "768"
    ours = Peer("loquat", example("peer", library(), folder), CONTEXT=context)
    ours.job(**jobs.single(64, 8))
    singles = {f"flash attention {flash}, micro-batch {batch}":
               Peer(f"llama-1-{flash}-{batch}", python("peer_llama.py", "--threads", THREADS, "--slots", 1, "--context", context,
                                                       "--flash", flash, "--micro-batch", batch))
               for flash in ("on", "off") for batch in (512, 128)}
    llama_decode = best(board, jobs, "llama.cpp decode", decode, singles, lambda: jobs.single(64, 64))
    llama_prefill = best(board, jobs, "llama.cpp prefill", prefill, singles, lambda: jobs.single(512, 2))
    for turn in range(arguments.rounds * 2):
        board.run("decode", decode, [("loquat", ours), ("llama.cpp", singles[llama_decode])], jobs.single(64, 128), turn)
        board.run("prefill", prefill, [("loquat", ours), ("llama.cpp", singles[llama_prefill])], jobs.single(512, 2), turn)
    board.peaks["llama.cpp, one slot"] = singles[llama_decode].peak()
    for peer in singles.values():
        peer.close()

    batched = {f"flash attention {flash}, unified cache {unified}":
               Peer(f"llama-16-{flash}-{unified}", python("peer_llama.py", "--threads", THREADS, "--slots", 16, "--context", context,
                                                          "--flash", flash, "--unified", unified))
               for flash, unified in (("on", "on"), ("on", "off"), ("off", "on"))}
    llama_many = best(board, jobs, "llama.cpp, 16 at once", together, batched, lambda: jobs.distinct(16, 128, 24))
    for name, peer in batched.items():
        if name != llama_many:
            peer.close()
    engines = {f"batches of {batch}": Peer(f"genai-{batch}", python("peer_genai.py", folder, "--threads", THREADS, "--batch", batch))
               for batch in (16, 8, 4)}
    genai_many = best(board, jobs, "GenAI, 16 at once", together, engines, lambda: jobs.distinct(16, 128, 24))
    for name, peer in engines.items():
        if name != genai_many:
            peer.close()
    crowd = [("loquat", ours), ("llama.cpp", batched[llama_many]), ("GenAI", engines[genai_many])]
    for turn in range(arguments.rounds):
        if turn and time.perf_counter() - started > 60 * arguments.minutes * 0.8:
            break
        board.run("distinct", together, crowd, jobs.distinct(16, 128, 64), turn)
        board.run("bot", together, crowd, jobs.bot(16, 300, 3, 48), turn)
    for who, peer in crowd:
        board.peaks[f"{who}, 16 at once"] = peer.peak()
        peer.close()


def alone(arguments, board, jobs, folder):
    """What needs no peer: the cached prefix, the bare loop, memory."""
    ours = Peer("loquat-alone", example("peer", library(), folder), CONTEXT="768")
    bare = Peer("bare", example("bare", library(), folder), CONTEXT="768")
    ours.job(**jobs.single(64, 8))
    bare.job(prompt=64, tokens=8)
    for _ in range(arguments.rounds * 2):
        # Five tokens behind the text end the question and begin the reply.
        start = jobs.asked(517) + " "
        cold, cached = ({"conversations": [{"turns": [jobs.asked(528, start)]}], "tokens": 2} for _ in range(2))
        firsts = [ours.job(**job)["turns"][0]["first"] for job in (cold, cached)]
        board.cached.append(firsts)
    for turn in range(arguments.rounds * 4):
        jobs_of = {"engine": lambda: 1 / decode(None, ours.job(**jobs.single(64, 128))), "bare": lambda: bare_step(bare)}
        order = ["engine", "bare"] if turn % 2 else ["bare", "engine"]
        board.steps.append({who: jobs_of[who]() for who in order})
    bare.close()
    ours.close()

    fresh = Peer("loquat-memory", example("peer", library(), folder), CONTEXT="2048")
    fresh.job(**jobs.single(512, 64))
    weights = sum(file.stat().st_size for file in folder.glob("model.onnx*"))
    board.memory = {"peak": fresh.peak(), "weights": weights, "cache": fresh.ready["cache_bytes"]}
    fresh.close()


def bare_step(bare):
    answer = bare.job(prompt=64, tokens=128)
    return (answer["seconds"] - answer["first"]) / 127


def table(board, seconds):
    """The results as Markdown."""
    lines = [f"{THREADS} threads for everybody, {seconds / 60:.0f} minutes in all; weights: {gguf().name} and {shipped().name}.", "",
             "| Measure | Wanted | Ratio | Loquat | Peer |", "|---|---|---|---|---|"]

    def row(measure, text, wanted, peer):
        lines.append(f"| {text} | ≥ {wanted} × | {board.ratio(measure, 'loquat', peer):.2f} × | "
                     f"{board.median(measure, 'loquat'):.0f} | {board.median(measure, peer):.0f} |")

    row("decode", "Decode, one sequence, tokens/s, against llama.cpp", 1.25, "llama.cpp")
    row("prefill", "Prefill, 512 tokens, tokens/s, against llama.cpp", 2, "llama.cpp")
    row("distinct", "16 questions at once, 128 tokens each, 64 new, tokens/s, against llama.cpp's server", 1.5, "llama.cpp")
    row("distinct", "the same against ONNX Runtime GenAI's engine", 1.2, "GenAI")
    row("bot", "16 conversations with one bot, 300 tokens of persona, 3 turns of 48 new, tokens/s, against llama.cpp's server", 1.5,
        "llama.cpp")
    row("bot", "the same against ONNX Runtime GenAI's engine", 1.2, "GenAI")
    cold, cached = (statistics.median(pair[at] for pair in board.cached) for at in (0, 1))
    share = statistics.median(pair[1] / pair[0] for pair in board.cached)
    lines.append(f"| First token of 528, 512 of them cached, against cold | ≤ 0.15 × | {share:.2f} × | {1000 * cached:.0f} ms "
                 f"| {1000 * cold:.0f} ms |")
    over = statistics.median(step["engine"] / step["bare"] - 1 for step in board.steps)
    engine, bare = (statistics.median(step[who] for step in board.steps) for who in ("engine", "bare"))
    lines.append(f"| A token by the engine over a bare `session.run` | ≤ 3 % | {100 * over:+.1f} % | {1000 * engine:.2f} ms "
                 f"| {1000 * bare:.2f} ms |")
    memory = board.memory
    both = memory["weights"] + memory["cache"]
    lines.append(f"| Peak memory over model file + KV cache of 2048 tokens | ≤ 1.3 × | {memory['peak'] / both:.2f} × "
                 f"| {memory['peak'] / 1e6:.0f} MB | {both / 1e6:.0f} MB |")
    lines += ["", "First token, median / 95th percentile, in seconds; and peak memory:", "",
              "| | 16 questions | 16 conversations | Peak memory |", "|---|---|---|---|"]
    for who in ("loquat", "llama.cpp", "GenAI"):
        times = [f"{board.first(measure, who, 0.5):.2f} / {board.first(measure, who, 0.95):.2f}" for measure in ("distinct", "bot")]
        lines.append(f"| {who} | {times[0]} | {times[1]} | {board.peaks[who + ', 16 at once'] / 1e6:.0f} MB |")
    lines += ["", "Settings tried once each; the best stayed:", ""]
    for measure, scores in board.settings.items():
        lines.append(f"- {measure}: " + "; ".join(f"{name} {rate:.0f}" for name, rate in scores.items()))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=11, help="no further round is begun when most of this time is over")
    parser.add_argument("--output", type=pathlib.Path, default=WORK / "results.md")
    arguments = parser.parse_args()
    started = time.perf_counter()
    WORK.mkdir(parents=True, exist_ok=True)
    folder, jobs, board = endless(shipped()), Jobs(), Board()
    board.settings, board.peaks, board.cached, board.steps = {}, {}, [], []
    # First what takes little time and suffers most from heat and noise.
    alone(arguments, board, jobs, folder)
    compare(arguments, board, jobs, folder, started)
    seconds = time.perf_counter() - started
    text = table(board, seconds)
    print(text)
    arguments.output.write_text(text)
    kept = {name: getattr(board, name) for name in ("rates", "settings", "peaks", "cached", "steps", "memory", "turns")}
    arguments.output.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
