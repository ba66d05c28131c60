"""llama.cpp's server as a peer. In: jobs on standard input, as for `peer.rs`; its settings as arguments. Out: what came of each turn and
when. The server runs inside this process, as xllamacpp offers it: no network, no other process."""

import argparse
import json
import sys
import threading
import time

import xllamacpp
from chat import ENDING, encode, opening, question
from places import gguf


def server(arguments):
    """llama.cpp with one slot a conversation."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(gguf())
    parameters.n_ctx = arguments.context * arguments.slots
    parameters.n_parallel = arguments.slots
    parameters.kv_unified = arguments.unified == "on"
    parameters.cont_batching = True
    parameters.n_ubatch = arguments.micro_batch
    parameters.cpuparams.n_threads = arguments.threads
    parameters.cpuparams_batch.n_threads = arguments.threads
    kinds = xllamacpp.llama_flash_attn_type
    parameters.flash_attn_type = {
        "auto": kinds.LLAMA_FLASH_ATTN_TYPE_AUTO,
        "on": kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        "off": kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    }[arguments.flash]
    parameters.verbosity = 0
    parameters.n_threads_http = 2
    return xllamacpp.Server(parameters)


def talk(llama, at, conversation, tokens, turns):
    """One conversation, its turns one after another."""
    text = opening(conversation.get("system"))
    for turn, asked in enumerate(conversation["turns"]):
        text += question(asked)
        ids = encode(text)
        started, state = time.perf_counter(), {"first": None, "reply": "", "usage": None}

        def take(chunk):
            data = json.loads(chunk) if isinstance(chunk, (str, bytes)) else chunk
            for part in data if isinstance(data, list) else [data]:
                if "error" in part or "code" in part:
                    raise RuntimeError(f"llama.cpp: {part}")
                for choice in part.get("choices", []):
                    if choice.get("text"):
                        if state["first"] is None:
                            state["first"] = time.perf_counter() - started
                        state["reply"] += choice["text"]
                state["usage"] = part.get("usage") or state["usage"]

        given = {"prompt": ids, "n_predict": tokens, "temperature": 0, "ignore_eos": True, "stream": True,
                 "cache_prompt": True, "stream_options": {"include_usage": True}}
        llama.handle_completions(given, take)
        seconds = time.perf_counter() - started
        usage = state["usage"] or {}
        turns.append({"conversation": at, "turn": turn, "prompt": usage.get("prompt_tokens", len(ids)),
                      "completion": usage.get("completion_tokens", 0), "first": state["first"] or seconds,
                      "seconds": seconds})
        text += state["reply"] + ENDING


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--context", type=int, default=768, help="tokens a slot")
    parser.add_argument("--flash", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--unified", choices=["on", "off"], default="on")
    parser.add_argument("--micro-batch", type=int, default=512)
    arguments = parser.parse_args()
    llama = server(arguments)
    print(json.dumps({"ready": "llama.cpp"}), flush=True)
    for line in sys.stdin:
        job, turns, failed = json.loads(line), [], []

        def run(at, one):
            try:
                talk(llama, at, one, job["tokens"], turns)
            except Exception as error:
                failed.append(error)

        started = time.perf_counter()
        threads = [threading.Thread(target=run, args=(at, one)) for at, one in enumerate(job["conversations"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        if failed:
            raise failed[0]
        print(json.dumps({"seconds": seconds, "turns": turns}), flush=True)


if __name__ == "__main__":
    main()
