"""A peer in a process of its own. In: its command. Out: the answers to jobs, and its memory. Must not know what is measured."""

import json
import os
import pathlib
import subprocess
import sys

from places import ROOT, WORK

HERE = pathlib.Path(__file__).parent


class Peer:
    """Waits idle between its jobs, so that peers can take turns on the same cores."""

    def __init__(self, name, command, **environment):
        self.name = name
        self.log = open(WORK / f"{name}.log".replace("/", "-"), "w")
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, cwd=ROOT, env={**os.environ, **environment})
        self.ready = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended; see {self.log.name}")
        return json.loads(line)

    def job(self, **job):
        """Does it."""
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self.read()

    def peak(self):
        """Bytes that it had in memory at most."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def python(script, *arguments):
    """The command of a peer in Python."""
    return [sys.executable, HERE / script, *arguments]


def example(name, library, folder):
    """The command of a peer in Rust."""
    return [ROOT / "target" / "release" / "examples" / name, library, folder]
