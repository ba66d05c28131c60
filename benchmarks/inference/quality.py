"""Perplexity and agreement. In: the GGUF file and its exports. Out: a table: how well each predicts a public text, and how often
its likeliest token is the one of llama.cpp on the GGUF file."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from llama import Llama
from onnx_logits import Onnx
from places import WORK, export, gguf, shipped
from plain_gguf import plain
from text import windows
from tokenizers import Tokenizer


def score(logits, ids):
    """Negative log-likelihoods of each next token, and the likeliest tokens."""
    logits = logits[:-1].astype(np.float32)
    top = logits.max(-1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(-1, dtype=np.float64)) + top[:, 0]
    return total - logits[np.arange(len(ids) - 1), ids[1:]], logits.argmax(-1)


def measure(model, texts):
    """All windows, one after another."""
    started, losses, tops = time.perf_counter(), [], []
    for ids in texts:
        loss, top = score(model.logits(ids), ids)
        losses.append(loss)
        tops.append(top)
    return np.concatenate(losses), np.concatenate(tops), time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=int, default=512, help="tokens that are read at once")
    parser.add_argument("--windows", type=int, help="so many of the 42, for a quick look")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kinds", default="fp32,int8,int4", help="exports to make and measure")
    parser.add_argument("folders", nargs="*", help="more model folders")
    arguments = parser.parse_args()

    llama = Llama(gguf(), arguments.window, arguments.threads)
    own = Tokenizer.from_file(str(shipped() / "tokenizer.json"))
    texts = windows(llama.tokenize, arguments.window, arguments.windows)
    again = windows(lambda text: own.encode(text, add_special_tokens=False).ids, arguments.window, arguments.windows)
    assert texts == again, "llama.cpp and tokenizer.json cut the text differently"

    peer, peer_tops, seconds = measure(llama, texts)
    rows = [{"model": "llama.cpp, the GGUF file", "perplexity": float(np.exp(peer.mean())), "seconds": seconds}]
    exact, exact_tops, seconds = measure(Llama(plain(gguf()), arguments.window, arguments.threads, exact=True), texts)

    def compare(name, loss, tops, seconds, megabytes):
        """A row, and its gap to llama.cpp as it is and without rounding."""

        def gap(other):
            # Windows are the same, so the difference's own error is far smaller than that of either number.
            each = (loss - other).reshape(len(texts), -1).mean(-1)
            return float(np.exp(each.mean()) - 1), float(each.std(ddof=1) / np.sqrt(len(texts))) if len(texts) > 1 else 0.0

        rows.append({"model": name, "perplexity": float(np.exp(loss.mean())), "against": gap(peer), "against_exact": gap(exact),
                     "agreement": float((tops == peer_tops).mean()), "agreement_exact": float((tops == exact_tops).mean()),
                     "megabytes": megabytes, "seconds": seconds})
        print(json.dumps(rows[-1]), flush=True)

    compare("llama.cpp, the same weights as 32-bit floats", exact, exact_tops, seconds, plain(gguf()).stat().st_size / 1e6)
    named = [(kind, export(kind)) for kind in arguments.kinds.split(",") if kind]
    named += [("shipped: " + shipped().name, shipped())] if not arguments.folders else []
    named += [(Path(folder).name, Path(folder)) for folder in arguments.folders]
    for name, folder in named:
        loss, tops, seconds = measure(Onnx(folder, arguments.threads), texts)
        compare(name, loss, tops, seconds, sum(file.stat().st_size for file in folder.glob("model.onnx*")) / 1e6)

    lines = [f"{len(peer)} tokens scored, in windows of {arguments.window}.", "",
             "| Model | Perplexity | Against llama.cpp | Same likeliest token | Against llama.cpp on 32-bit weights "
             "| Same likeliest token | Weights |", "|---|---|---|---|---|---|---|",
             f"| {rows[0]['model']} | {rows[0]['perplexity']:.3f} | | | | | {gguf().stat().st_size / 1e6:.0f} MB |"]
    percent = lambda gap: f"{100 * gap[0]:+.2f} ± {100 * gap[1]:.2f} %"
    for row in rows[1:]:
        lines.append(f"| {row['model']} | {row['perplexity']:.3f} | {percent(row['against'])} | {100 * row['agreement']:.1f} % "
                     f"| {percent(row['against_exact'])} | {100 * row['agreement_exact']:.1f} % | {row['megabytes']:.0f} MB |")
    table = "\n".join(lines)
    print(table)
    (WORK / "quality.md").write_text(table + "\n")
    (WORK / "quality.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
