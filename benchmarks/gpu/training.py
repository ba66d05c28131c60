"""Training steps on a GPU beside PyTorch. In: the shape of SmolLM2-135M, random weights and tokens. Out: a table, in bf16.

Ours is `training/finetune/examples/gpu.rs`. PyTorch is the decoder of `benchmarks/training/llama.py` with `scaled_dot_product_attention`, as
`torch.compile` makes it with its loss, under `torch.autocast` in bf16 over weights in f32, with fused AdamW and clipping. Both get the same weights and
tokens, one process each, and each of the batches asked for; one that does not fit the card is left out. The first steps, in which kernels are
compiled, are not counted. Ours keeps the residual stream and its gradient in bf16, autocast in f32: that is a difference of speed and of precision.

Model FLOPs of a token are 6 for each weight of a product (the output layer included, the embedding's rows not) and 6 · layers · length · width of
attention, which is causal: twice for the forward pass, and twice that for the backward pass (Chowdhery et al., "PaLM", 2022, appendix B,
halved where half is masked).
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "training"))

# Dense bf16 products with sums in f32, in 10¹² a second, as NVIDIA's data sheets have them.
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "B200": 2250, "L40S": 362, "RTX 4090": 165}
# The first steps compile kernels and choose products.
WARM = 3
# How ours says that a batch is too large, in words or by the error's name.
NO_ROOM = ("has no room for", "Memory {")
# How far losses in bf16 may be from each other.
TOLERANCE = 3e-2


def flops(config, length):
    """Model FLOPs of a token of a row of so many tokens."""
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    queries, keys = (config[name] * config["head_dim"] for name in ("num_attention_heads", "num_key_value_heads"))
    weights = layers * (2 * hidden * queries + 2 * hidden * keys + 3 * hidden * inner) + config["vocab_size"] * hidden
    return 6 * weights + 6 * layers * length * queries


def ours(arguments, folder, tokens):
    command = [arguments.program, folder, tokens, "--steps", str(arguments.steps), "--device", arguments.device]
    answer = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if answer.returncode:
        return {"error": answer.stderr.strip()}
    return json.loads(answer.stdout.splitlines()[-1])


def torchs(arguments, folder, tokens):
    """In a process of its own, so that its memory is free for the next."""
    command = [sys.executable, __file__, "--peer", folder, tokens, "--steps", arguments.steps, "--device", arguments.device]
    answer = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if answer.returncode:
        return {"error": answer.stderr.strip().splitlines()[-1] if answer.stderr.strip() else "it failed"}
    return json.loads(answer.stdout.splitlines()[-1])


def peer(folder, tokens, steps, device):
    import torch
    import torch.nn.functional as F

    import llama

    torch.set_float32_matmul_precision("high")
    # The decoder makes its tables of angles where tensors are made.
    torch.set_default_device(device)
    model = llama.Llama.load(folder).to(device)

    # With the loss, so that logits are never written out as a whole where the compiler knows how.
    @torch.compile
    def loss_of(rows):
        return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True)
    batches = [torch.tensor(batch) for batch in json.loads(pathlib.Path(tokens).read_text())]
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    seconds, losses = [], []
    for step in range(steps):
        rows = batches[step % len(batches)]
        wait()
        begun = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = loss_of(rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        wait()
        seconds.append(time.perf_counter() - begun)
        losses.append(loss.item())
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(json.dumps({"device": name, "seconds": seconds, "losses": losses}))


def prepare(arguments):
    """The folder of weights, and its shape."""
    import llama

    config = {**llama.SMOLLM2, "num_hidden_layers": arguments.layers}
    folder = arguments.work / f"smollm2-{arguments.layers}"
    if not (folder / "model.safetensors").is_file():
        llama.Llama(config).initialise(1).save(folder)
    return folder, config


def batches(arguments, config, rows):
    import torch

    path = arguments.work / f"tokens-{rows}x{arguments.length}.json"
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randint(0, config["vocab_size"], (2, rows, arguments.length + 1), generator=generator)
    path.write_text(json.dumps(tokens.tolist()))
    return path


def table(arguments, config, results):
    cost = flops(config, arguments.length)
    devices = {answer["device"] for row in results.values() for answer in row.values() if "device" in answer}
    peak = next((peak for name, peak in PEAKS.items() if any(name in device for device in devices)), None)
    lines = [f"SmolLM2-135M's shape with {arguments.layers} layers, rows of {arguments.length} tokens, bf16, forward + backward + clipping + "
             f"AdamW, median of {arguments.steps - WARM} steps after {WARM}. {'; '.join(sorted(devices))}.", "",
             "| Tokens in a batch | Peer | Tokens/s | Model FLOPs of the peak | Ours over PyTorch | Loss of the last step |", "|---|---|---|---|---|---|"]
    rates = {}
    for rows, answers in results.items():
        for name, answer in answers.items():
            tokens = rows * arguments.length
            if "error" in answer:
                lines.append(f"| {tokens} | {name} | – | – | – | {answer['error'][:160]} |")
                continue
            rate = tokens / statistics.median(answer["seconds"][WARM:])
            rates.setdefault(name, []).append(rate)
            share = f"{rate * cost / peak / 1e12:.1%}" if peak else "–"
            other = answers.get("PyTorch", {})
            ratio = "–"
            if name == "ours" and "seconds" in other:
                ratio = f"{statistics.median(other['seconds'][WARM:]) / statistics.median(answer['seconds'][WARM:]):.2f} ×"
            lines.append(f"| {tokens} | {name} | {rate:,.0f} | {share} | {ratio} | {answer['losses'][-1]:.4f} |")
    if len(rates) == 2:
        ours_best, other_best = max(rates["ours"]), max(rates["PyTorch"])
        lines += ["", f"Each at its best batch: {ours_best / other_best:.2f} × PyTorch (wanted: ≥ 0.8 ×, then 1.0 ×)"
                  + (f", {ours_best * cost / peak / 1e12:.1%} of the peak (wanted: ≥ 25 %, then 35 %)." if peak else ".")]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--peer":
        parser = argparse.ArgumentParser()
        parser.add_argument("--peer", nargs=2)
        parser.add_argument("--steps", type=int)
        parser.add_argument("--device")
        arguments = parser.parse_args()
        return peer(*arguments.peer, arguments.steps, arguments.device)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, help="the built example `gpu`")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("target/gpu-bench"))
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 32, 64], help="rows of a batch; each is tried")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a row")
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--no-torch", action="store_true", help="ours alone")
    arguments = parser.parse_args()
    folder, config = prepare(arguments)
    results = {}
    for rows in arguments.rows:
        tokens = batches(arguments, config, rows)
        answers = results[rows] = {"ours": ours(arguments, folder, tokens)}
        if not arguments.no_torch:
            answers["PyTorch"] = torchs(arguments, folder, tokens)
        print(rows, {name: answer.get("error") or statistics.median(answer["seconds"][WARM:]) for name, answer in answers.items()}, file=sys.stderr)
        if all("losses" in answer for answer in answers.values()) and len(answers) == 2:
            for step, (loss, wanted) in enumerate(zip(answers["ours"]["losses"], answers["PyTorch"]["losses"])):
                if abs(loss - wanted) > TOLERANCE:
                    sys.exit(f"{rows} rows: the loss of step {step + 1} is {loss}, PyTorch's is {wanted}")
    text = table(arguments, config, results)
    (arguments.work / "training.json").write_text(json.dumps(results, indent=1) + "\n")
    (arguments.work / "training.md").write_text(text)
    print(text)
    # A batch may be too large for the card; all else is a fault, and so is a card that holds none.
    failed = [answers["ours"]["error"] for answers in results.values() if "error" in answers["ours"]]
    wrong = [error for error in failed if not any(words in error for words in NO_ROOM)]
    if wrong or len(failed) == len(results):
        sys.exit("ours failed: " + (wrong or failed)[0])


main()
