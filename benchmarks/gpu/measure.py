"""The engine on a GPU beside PyTorch. In: flags. Out: results.md and results.json in the work folder.

For each model: generates or fetches it, exports it with `loquat`, compares logits between the GPU and the processor and with PyTorch,
and lets the engine and PyTorch write the same number of tokens for 1, 16 and 64 sequences, in turns.
"""

import argparse
import datetime
import glob
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

import reference
from model import SHAPES, in_torch, write

PROMPT = 64


def arguments():
    parser = argparse.ArgumentParser(prog="benchmarks/gpu/run", description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=["cuda", "tensorrt", "cpu"], default="cuda")
    parser.add_argument("--models", default="default,1b,8b", help="of: default, tiny, 1b, 8b; with commas (default: %(default)s)")
    parser.add_argument("--batches", default="1,16,64", help="numbers of sequences (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=128, help="new tokens for each sequence (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="medians are taken of so many (default: %(default)s)")
    parser.add_argument("--quantize", default="", help="weights of the exports (default: fp16, on the processor fp32)")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch out")
    places = argparse.ArgumentParser(add_help=False)
    for name in ("root", "work", "binaries"):
        places.add_argument(f"--{name}", type=pathlib.Path, required=True)
    own = sys.argv[1:]
    if "--help" in own:
        parser.parse_args(["--help"])
    at = own.index("--")
    flags = parser.parse_args(own[at + 1 :], namespace=places.parse_args(own[:at]))
    flags.command = " ".join(["benchmarks/gpu/run", *own[at + 1 :]])
    return flags


class Bench:
    def __init__(self, flags):
        self.flags = flags
        self.binaries = flags.binaries
        self.on_gpu = flags.device != "cpu"
        self.quantize = flags.quantize or ("fp16" if self.on_gpu else "fp32")
        import onnxruntime

        capi = pathlib.Path(onnxruntime.__file__).parent / "capi"
        self.library = next(iter(sorted(capi.glob("libonnxruntime.so.*"))))
        site = capi.parent.parent
        self.libraries = sorted(glob.glob(str(site / "nvidia/*/lib")) + glob.glob(str(site / "tensorrt_libs")))
        self.version = onnxruntime.__version__
        if self.on_gpu:
            onnxruntime.preload_dlls()
            missing = {"CUDAExecutionProvider"} - set(onnxruntime.get_available_providers())
            if missing:
                sys.exit(f"this onnxruntime has no {missing}; it is {onnxruntime.__file__}")

    def export(self, name):
        """The model folder, and the GGUF file where it was generated."""
        loquat, work = self.binaries / "loquat", self.flags.work
        if name == "default":
            cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "loquat"
            source = cache / "smollm2-135m-instruct/0.1.2/SmolLM2-135M-Instruct.Q4_1.gguf"
            if not source.exists():
                subprocess.run([loquat, "model", "info"], check=True, stdout=subprocess.DEVNULL)
        else:
            source = work / f"{name}.gguf"
            write(SHAPES[name], source)
        folder = work / f"{name}-{self.quantize}"
        if not (folder / "loquat.json").exists():
            command = [loquat, "model", "import-gguf", source, "--output", folder, "--quantize", self.quantize]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return folder, source

    def ours(self, folder, batches, tokens, rounds, device=None):
        """What the engine says of each run."""
        command = [self.binaries / "examples/throughput", self.library, folder, device or self.flags.device, batches, *self.libraries]
        settings = {"TOKENS": str(tokens), "PROMPT": str(PROMPT // 2), "ROUNDS": str(rounds)}
        run = subprocess.run(command, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"the engine failed on {folder}: {' '.join(map(str, command))}")
        return [json.loads(line) for line in run.stdout.splitlines()]

    def logits(self, folder, provider, ids):
        """The logits after each of `ids`, by ONNX Runtime's own Python."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=[provider])
        if provider not in session.get_providers():
            sys.exit(f"{provider} is not used; {session.get_providers()} are")
        types = {"tensor(float16)": np.float16, "tensor(float)": np.float32}
        feeds = {"input_ids": np.array([ids], dtype=np.int64), "attention_mask": np.ones((1, len(ids)), dtype=np.int64)}
        for entry in session.get_inputs():
            if entry.name == "position_ids":
                feeds[entry.name] = np.arange(len(ids), dtype=np.int64)[None]
            elif entry.type in types:
                heads, size = entry.shape[1], entry.shape[3]
                feeds[entry.name] = np.zeros((1, heads, 0, size), dtype=types[entry.type])
        return session.run(["logits"], feeds)[0][0].astype(np.float32)


def torch_side(bench, shape, source, batches, tokens, rounds, ids):
    """Tokens a second for each number of sequences, and logits."""
    import torch

    device = "cuda" if bench.on_gpu else "cpu"
    dtype = torch.float16 if bench.on_gpu else torch.float32
    model = in_torch(shape, source, device, dtype)
    wait = torch.cuda.synchronize if bench.on_gpu else lambda: None
    speeds = {}
    with torch.inference_mode():
        logits = model(torch.tensor([ids], device=device)).logits[0].float().cpu().numpy()
        generator = torch.Generator().manual_seed(0)
        for batch in batches:
            seconds = []
            for _ in range(rounds + 1):
                prompt = torch.randint(10, shape.vocabulary, (batch, PROMPT), generator=generator).to(device)
                wait()
                started = time.perf_counter()
                written = model.generate(
                    prompt,
                    attention_mask=torch.ones_like(prompt),
                    max_new_tokens=tokens,
                    min_new_tokens=tokens,
                    do_sample=False,
                )
                wait()
                seconds.append(time.perf_counter() - started)
                assert written.shape[1] == PROMPT + tokens, "PyTorch wrote fewer tokens"
            # The first warms up.
            speeds[batch] = batch * tokens / statistics.median(seconds[1:])
    del model
    if bench.on_gpu:
        torch.cuda.empty_cache()
    return speeds, logits


def bandwidth(on_gpu):
    """Bytes a second: what the card is made for, else what a copy reaches."""
    if on_gpu:
        import torch

        card = torch.cuda.get_device_properties(0)
        clock, width = getattr(card, "memory_clock_rate", 0), getattr(card, "memory_bus_width", 0)
        if clock and width:
            return 2 * clock * 1000 * width / 8, "nominal"
        source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
        target = torch.empty_like(source)
        times = []
        for _ in range(10):
            torch.cuda.synchronize()
            started = time.perf_counter()
            target.copy_(source)
            torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
    else:
        source = np.ones(1 << 28, dtype=np.uint8)
        target = np.empty_like(source)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            np.copyto(target, source)
            times.append(time.perf_counter() - started)
    return 2 * source.nbytes / min(times), "a copy's"


def difference(one, other):
    """The largest difference of logits over their largest size, and how often the likeliest token is the same."""
    scale = np.abs(other).max()
    same = np.mean(one.argmax(-1) == other.argmax(-1))
    return float(np.abs(one - other).max() / scale), float(same)


def measure(bench, name):
    flags = bench.flags
    batches = [int(batch) for batch in flags.batches.split(",")]
    folder, source = bench.export(name)
    runs = bench.ours(folder, flags.batches, flags.tokens, flags.rounds)
    found = {"model": name, "folder": folder.name, "provider": runs[0]["provider"], "ours": {}, "torch": {}}
    for batch in batches:
        of_batch = [run for run in runs if run["sequences"] == batch]
        short = [run["written"] for run in of_batch if run["written"] < batch * flags.tokens]
        if short and name != "default":
            sys.exit(f"{name}: {batch} sequences of {flags.tokens} tokens came to {short}")
        found["ours"][batch] = statistics.median(run["tokens_a_second"] for run in of_batch)
        if batch == 1:
            found["decode"] = statistics.median(run["decode_of_one"] for run in of_batch)
    # Tokens of any model are at least so many.
    ids = np.random.default_rng(1).integers(10, 8000, PROMPT).tolist()
    on_cpu = bench.logits(folder, "CPUExecutionProvider", ids)
    if bench.on_gpu:
        found["cpu_difference"] = difference(bench.logits(folder, "CUDAExecutionProvider", ids), on_cpu)
    shape = SHAPES.get(name)
    if shape is not None:
        weight = {"fp16": 2, "fp32": 4, "int8": 1.125, "int4": 0.625}[bench.quantize]
        peak, kind = bandwidth(bench.on_gpu)
        found["bandwidth"] = {"share": found.get("decode", 0) * shape.read_a_token(weight) / peak, "peak": peak, "kind": kind}
        if not flags.no_torch:
            found["torch"], theirs = torch_side(bench, shape, source, batches, flags.tokens, flags.rounds, ids)
            found["reference_difference"] = difference(on_cpu, theirs)
        elif shape.parameters() < 1e8:
            found["reference_difference"] = difference(on_cpu, reference.logits(shape, source, ids))
    return found


def machine(on_gpu):
    if not on_gpu:
        return f"{platform.machine()}, {os.cpu_count()} cores, no GPU used"
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def commit(root):
    run = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def section(bench, results):
    flags = bench.flags
    batches = [int(batch) for batch in flags.batches.split(",")]
    peers = f"ONNX Runtime {bench.version}"
    if not flags.no_torch:
        import torch
        import transformers

        peers += f", PyTorch {torch.__version__} with transformers {transformers.__version__}"
    lines = [
        "## On a GPU" if bench.on_gpu else "## The GPU benchmark, tried on a processor",
        "",
        "```console",
        flags.command,
        "```",
        "",
        f"{datetime.date.today()}, commit `{commit(flags.root)}`. {machine(bench.on_gpu)}. {peers}. {flags.tokens} new tokens a sequence behind",
        f"prompts of about {PROMPT}, greedy; tokens/s over all sequences, prefill included; medians of {flags.rounds}.",
        "",
        "| Model | Sequences | Loquat, tokens/s | PyTorch, tokens/s | Ratio |",
        "|---|---|---|---|---|",
    ]
    for found in results:
        for batch in batches:
            ours, theirs = found["ours"][batch], found["torch"].get(batch)
            ratio = f"{ours / theirs:.2f}" if theirs else "–"
            shown = f"{theirs:.0f}" if theirs else "–"
            lines.append(f"| {found['folder']} | {batch} | {ours:.0f} | {shown} | {ratio} |")
    lines += ["", "| Model | Provider | Decode of one | Share of memory bandwidth | Logits, largest difference from the processor's | … of the processor's from the reference's |", "|---|---|---|---|---|---|"]
    for found in results:
        of_torch, of_cpu = found.get("reference_difference"), found.get("cpu_difference")
        told = lambda pair: f"{pair[0]:.1e} of the largest; {pair[1]:.0%} the same likeliest token" if pair else "–"
        share = found.get("bandwidth")
        width = f"{share['share']:.0%} of {share['kind']} {share['peak'] / 1e9:.0f} GB/s" if share else "–"
        decode = f"{found['decode']:.1f} tokens/s" if "decode" in found else "–"
        lines.append(f"| {found['folder']} | {found['provider']} | {decode} | {width} | {told(of_cpu)} | {told(of_torch)} |")
    return "\n".join(lines) + "\n"


def check(bench, results):
    """Whether outputs agree; speeds are told and not judged."""
    # 11 bits of mantissa through dozens of layers; in 32 bits it is the order of sums alone. Quantised weights differ from the reference's.
    same_graph = {"fp32": 1e-3, "fp16": 0.05}.get(bench.quantize, 0.02)
    same_weights = {"fp32": 1e-3, "fp16": 0.05, "int8": 0.05, "int4": 0.5}[bench.quantize]
    wrong = []
    for found in results:
        for what, tolerance in (("cpu_difference", same_graph), ("reference_difference", same_weights)):
            if what in found and found[what][0] > tolerance:
                wrong.append(f"{found['model']}: {what} is {found[what][0]:.2e}, and {tolerance:.0e} is the most")
    return wrong


def main():
    flags = arguments()
    flags.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(flags)
    results = []
    for name in flags.models.split(","):
        print(f"{name} …", file=sys.stderr, flush=True)
        results.append(measure(bench, name))
        print(json.dumps(results[-1]), file=sys.stderr)
    text = section(bench, results)
    (flags.work / "results.md").write_text(text)
    (flags.work / "results.json").write_text(json.dumps(results, indent=1))
    print(text)
    wrong = check(bench, results)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
