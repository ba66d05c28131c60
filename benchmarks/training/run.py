"""Training steps beside PyTorch. In: the shape of SmolLM2-135M, random weights and tokens. Out: a table with medians and ratios.

Everybody gets the same initial weights, the same batches (2 rows of 256 tokens), the same threads and AdamW. Each measurement is a
process of its own; they take turns within each round, so that whatever else the machine does meets all of them. The first steps of a process
are not counted. A ratio is the median over rounds of the ratio within a round. Losses have to agree, else there is nothing to compare.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import torch

from llama import SMOLLM2, Llama

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "training-bench"
THREADS = os.environ["THREADS"]
ROWS, LENGTH, BATCHES = 2, 256, 4
RANK = 16
# How far a loss may be from PyTorch's in f32, at any step.
TOLERANCES = {"f32": 1e-3, "bf16": 3e-2}

OURS = [str(ROOT / "target" / "release" / "examples" / "step")]
TORCH = [sys.executable, str(HERE / "peer_torch.py")]
PEERS = {
    "PyTorch f32": (TORCH, []),
    "ours f32": (OURS, []),
    "PyTorch bf16": (TORCH, ["--bf16"]),
    "ours bf16": (OURS, ["--bf16"]),
    "PyTorch f32, LoRA": (TORCH, ["--lora", str(RANK)]),
    "ours f32, LoRA": (OURS, ["--lora", str(RANK)]),
    "ours bf16, LoRA": (OURS, ["--bf16", "--lora", str(RANK)]),
}
# What is measured, by whom, against whom, and what is wanted.
SPEED = [
    ("f32", "ours f32", "PyTorch f32", "≥ 1.25 ×"),
    ("bf16", "ours bf16", "PyTorch bf16", "≥ 1.0 ×"),
    ("bf16 against f32", "ours bf16", "ours f32", ""),
    ("LoRA f32 against full", "ours f32, LoRA", "ours f32", "≥ 1.3 ×"),
    ("LoRA bf16 against full", "ours bf16, LoRA", "ours bf16", "≥ 1.3 ×"),
    ("LoRA f32 against PyTorch's", "ours f32, LoRA", "PyTorch f32, LoRA", ""),
]
MEMORY = [("f32", "ours f32", "PyTorch f32", "≤ 0.8 ×"), ("bf16", "ours bf16", "PyTorch bf16", "≤ 0.8 ×"),
          ("LoRA f32", "ours f32, LoRA", "PyTorch f32, LoRA", "")]


def model(layers):
    """A weights folder with so many layers; made once."""
    folder = WORK / f"layers-{layers}"
    if not (folder / "model.safetensors").is_file():
        Llama({**SMOLLM2, "num_hidden_layers": layers}).initialise(1).save(folder)
    return folder


def tokens():
    """Batches of random tokens; a row has one more than are read, for the last one's target."""
    path = WORK / "tokens.json"
    generator = torch.Generator().manual_seed(2)
    batches = torch.randint(0, SMOLLM2["vocab_size"], (BATCHES, ROWS, LENGTH + 1), generator=generator)
    path.write_text(json.dumps(batches.tolist()))
    return path


def measure(name, folder, batches, steps):
    program, flags = PEERS[name]
    command = [*program, str(folder), str(batches), "--threads", THREADS, "--steps", str(steps), *flags]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": THREADS})
    return json.loads(answer.stdout.splitlines()[-1])


def check(layers, answers):
    """Losses are PyTorch's. LoRA's first matrices are drawn by everybody for himself: only the first loss, before they matter, is the same."""
    for name, answer in answers.items():
        judge = answers["PyTorch f32"]["losses"]
        kind = "bf16" if "bf16" in name else "f32"
        for step, (loss, wanted) in enumerate(zip(answer["losses"], judge)):
            if abs(loss - wanted) > TOLERANCES[kind]:
                sys.exit(f"{name}, {layers} layers: the loss of step {step + 1} is {loss}, PyTorch's is {wanted}")
            if "LoRA" in name:
                break


def table(results, seconds, load):
    """The results as Markdown."""
    lines = [f"{THREADS} threads for everybody, batches of {ROWS} × {LENGTH} tokens, PyTorch {torch.__version__}, LoRA of rank {RANK} on all "
             f"linear layers; {seconds / 60:.0f} minutes in all; the machine's load before: {load:.1f}."]
    for layers, rounds in results.items():
        rate = lambda answer: ROWS * LENGTH / statistics.median(answer["seconds"][1:])
        median = lambda name: statistics.median(rate(answers[name]) for answers in rounds)
        ratio = lambda one, other, of: statistics.median(of(answers[one]) / of(answers[other]) for answers in rounds)
        peak = lambda answer: answer["peak"]
        lines += ["", f"**{layers} layers and the output layer**", "", "| tokens/s | Wanted | Ratio | One | Other |", "|---|---|---|---|---|"]
        for text, one, other, wanted in SPEED:
            lines.append(f"| {text} | {wanted} | {ratio(one, other, rate):.2f} × | {one}: {median(one):.0f} | {other}: {median(other):.0f} |")
        lines += ["", "| Peak memory | Wanted | Ratio | One | Other |", "|---|---|---|---|---|"]
        for text, one, other, wanted in MEMORY:
            size = lambda name: max(peak(answers[name]) for answers in rounds) / 1e9
            lines.append(f"| {text} | {wanted} | {ratio(one, other, peak):.2f} × | {one}: {size(one):.2f} GB | {other}: {size(other):.2f} GB |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4, help="steps of each process, of which the first is not counted")
    parser.add_argument("--layers", type=int, nargs="+", default=[6, 30])
    parser.add_argument("--output", type=pathlib.Path, default=WORK / "results.md")
    arguments = parser.parse_args()
    started, load = time.perf_counter(), os.getloadavg()[0]
    batches, results = tokens(), {}
    for layers in arguments.layers:
        folder, results[layers] = model(layers), []
        for turn in range(arguments.rounds):
            names = list(PEERS)
            names = names[turn % len(names):] + names[: turn % len(names)]
            answers = {name: measure(name, folder, batches, arguments.steps) for name in names}
            check(layers, answers)
            results[layers].append(answers)
    text = table(results, time.perf_counter() - started, load)
    arguments.output.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    arguments.output.write_text(text)
    print(text)


main()
