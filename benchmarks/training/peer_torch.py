"""Steps of PyTorch. In: a folder of weights, a file of rows of tokens. Out: a line of JSON with the time and the loss of each step."""

import argparse
import json
import pathlib
import time

import torch
import torch.nn.functional as F

from llama import Llama


def peak():
    """The process's peak memory in bytes."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("tokens", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--lora", type=int, default=0, help="the rank; 0 trains everything")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_num_interop_threads(1)
    imported = peak()
    model = Llama.load(arguments.model)
    if arguments.lora:
        every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        model.adapt(arguments.lora, 2 * arguments.lora, every, 1)
    # The rate of decay is that of matrices; for the time it takes it makes no difference that norms decay here too.
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=arguments.rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True)
    batches = json.loads(arguments.tokens.read_text())
    seconds, losses = [], []
    for step in range(arguments.steps):
        rows = torch.tensor(batches[step % len(batches)])
        begun = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.bf16):
            logits = model(rows[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        del logits
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"seconds": seconds, "losses": losses, "peak": peak(), "imported": imported}))


main()
