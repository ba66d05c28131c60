"""Learns the weights of kg/retrieve/src/features.rs from what the example writes with `--tuning --features FILE`.

    python3 learn.py FILE…          needs numpy; prints the weights

A conditional logit over each question's paths (McFadden 1974): the likelihood that the chosen path is one whose values are answers.
Each set counts the same. L2 keeps weights small, and those whose sign is known keep it; gradient ascent with Adam (Kingma and Ba 2015).
"""
import json
import sys
from collections import Counter

import numpy as np

questions = []
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["variant"] != "as is":
                continue
            groups = row["groups"]
            # Hits@1 counts whether a value at random is right; ties go to the path that has most of the answers.
            def worth(group):
                precision = group["right"] / max(group["all"], 1)
                recall = group["right"] / max(row["gold"], 1)
                return 2 * precision * recall / (precision + recall) if group["right"] else 0.0
            gains = np.array([worth(group) for group in groups])
            if len(groups) < 2 or gains.max() <= 0:
                continue
            best = (gains >= gains.max() - 1e-6).astype(float)
            questions.append((row["set"], np.array([group["features"] for group in groups]), best))
sizes = Counter(name for name, _, _ in questions)
print("learning from", dict(sizes), file=sys.stderr)
width = max(len(best) for _, _, best in questions)
count = questions[0][1].shape[1]
x = np.zeros((len(questions), width, count))
mask = np.full((len(questions), width), -1e9)
y = np.zeros((len(questions), width))
weight = np.zeros(len(questions))
for at, (name, features, best) in enumerate(questions):
    x[at, : len(best)] = features
    mask[at, : len(best)] = 0
    y[at, : len(best)] = best
    weight[at] = 1 / sizes[name]
weight /= weight.sum()


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


# In the order of `NAMES`: 1 may only help, -1 may only harm, 0 is free.
SIGNS = np.array([-1, -1, 1, 1, 1, -1, -1, -1, -1, -1, 1, 1, -1, 1, -1, 1, 1, 0, 0, 1, 1, -1, 0, 1, -1, -1, -1, -1, -1, 1, -1])

w, m, v = np.zeros(count), np.zeros(count), np.zeros(count)
for step in range(1, 1501):
    p = softmax(x @ w + mask)
    right = softmax(x @ w + np.where(y > 0, 0, -1e9))
    gradient = ((right - p)[:, :, None] * x).sum(1)
    gradient = (weight[:, None] * gradient).sum(0) - 0.001 * w
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    w = w + 0.05 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    w = np.where(SIGNS * w < 0, 0, w)
first = (x @ w + mask).argmax(1)
hit = y[np.arange(len(y)), first] > 0
for name in sizes:
    chosen = np.array([question[0] == name for question in questions])
    print(f"{name}: right path first for {hit[chosen].mean():.3f} of those that have one", file=sys.stderr)
print(", ".join(f"{value:.2f}" for value in w))
