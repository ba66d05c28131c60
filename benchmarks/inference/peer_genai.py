"""ONNX Runtime GenAI's engine as a peer. In: jobs on standard input, as for `peer.rs`; its batch size as an argument. Out: what came of
each turn and when.

On the processor this engine has static batches alone (its dynamic ones need paged attention, which is a CUDA operator), and those refuse a
second turn of a request while others run. So each turn is a request of its own that reads the whole conversation."""

import argparse
import json
import sys
import time

import numpy as np
import onnxruntime_genai as genai
from chat import ENDING, encode, opening, question


class Talk:
    """One conversation."""

    def __init__(self, at, conversation, tokens, engine):
        self.at, self.tokens, self.engine, self.waiting = at, tokens, engine, list(conversation["turns"])
        self.ids, self.turn = encode(opening(conversation.get("system"))), -1

    def ask(self):
        """Begins the next turn; `None` when there is none, else its request."""
        if not self.waiting:
            return None
        self.ids = self.ids + (encode(ENDING) if self.turn >= 0 else []) + encode(question(self.waiting.pop(0)))
        self.turn, self.prompt, self.first = self.turn + 1, len(self.ids), None
        session = genai.RequestOptions()
        # Exactly what it will come to: asking for more room would cost it memory.
        session.set_max_session_tokens(self.prompt + self.tokens)
        self.request = self.engine.create_request(options=session)
        options = genai.TurnOptions(self.request)
        options.set_do_sample(False)
        options.set_max_generated_tokens(self.tokens)
        options.set_min_generated_tokens(self.tokens)
        self.started = time.perf_counter()
        self.request.begin_turn(np.array(self.ids, np.int32), options)
        return self.request

    def take(self, token):
        """A token came."""
        if self.first is None:
            self.first = time.perf_counter() - self.started
        self.ids.append(token)

    def finish(self):
        """The turn ended."""
        seconds = time.perf_counter() - self.started
        self.request.close()
        return {"conversation": self.at, "turn": self.turn, "prompt": self.prompt,
                "completion": len(self.ids) - self.prompt, "first": self.first, "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()
    config = genai.Config(arguments.folder)
    config.overlay(json.dumps({
        "model": {"decoder": {"session_options": {"intra_op_num_threads": arguments.threads}}},
        "engine": {"static_batching": {"max_batch_size": arguments.batch}},
    }))
    engine = genai.Engine(genai.Model(config))
    buffer = engine.create_event_buffer(256)
    flags = genai.EngineEventFlags
    print(json.dumps({"ready": "ONNX Runtime GenAI"}), flush=True)
    for line in sys.stdin:
        job, turns = json.loads(line), []
        started = time.perf_counter()
        talks = {}
        for at, one in enumerate(job["conversations"]):
            talk = Talk(at, one, job["tokens"], engine)
            talks[talk.ask()] = talk
        while talks:
            for event in engine.run(buffer):
                talk = talks[event.request]
                bits = int(event.flags)
                if bits & int(flags.FAILED):
                    raise RuntimeError(f"GenAI: {event.error_code}")
                if bits & int(flags.TOKEN):
                    talk.take(event.token)
                if bits & int(flags.TURN_FINISHED):
                    del talks[event.request]
                    turns.append(talk.finish())
                    request = talk.ask()
                    if request is not None:
                        talks[request] = talk
        print(json.dumps({"seconds": time.perf_counter() - started, "turns": turns}), flush=True)


if __name__ == "__main__":
    main()
