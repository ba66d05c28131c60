"""Learns the weights of kg/retrieve/src/certainty.rs from what the example writes with `--tuning --hidden --features FILE`.

    python3 certain.py FILE…          needs numpy; prints the weights and the bias

Logistic regression over the first path of each question: whether its values are answers, on the graph as it is, with the facts hidden, and
with the name unknown. Each set and variant counts the same. Then the bias is moved so far that of EntityQuestions
whose facts are hidden fewer than one in a hundred stays above one half. Signs whose direction is known keep it.
"""
import json
import sys
from collections import Counter

import numpy as np

rows = []
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["groups"]:
                best = row["groups"][0]
                rows.append((row["set"], row["variant"], np.array(best["signs"]), float(best["right"] > 0)))
            else:
                rows.append((row["set"], row["variant"], None, 0.0))
sizes = Counter((name, variant) for name, variant, _, _ in rows)
found = [row for row in rows if row[2] is not None]
x = np.array([signs for _, _, signs, _ in found])
y = np.array([right for _, _, _, right in found])
# The three sets of MetaQA are one.
share = lambda name: 1 / 3 if "MetaQA" in name else 1.0
weight = np.array([share(name) / sizes[name, variant] for name, variant, _, _ in found])
weight /= weight.sum()
# In the order of `NAMES`: 1 may only help, -1 may only harm, 0 is free.
SIGNS = np.array([1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, 1, 1, 1, -1, -1, -1, 0, -1, -1, 0, -1, 1, 1, 1, 0, -1, -1, -1, 0, 0, -1, -1, -1, -1, -1, 1, 1, -1, 1, -1])
count = x.shape[1]
w, b = np.zeros(count), 0.0
m, v = np.zeros(count + 1), np.zeros(count + 1)
for step in range(1, 3001):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    slope = weight * (y - p)
    gradient = np.append(slope @ x - 0.0003 * w, slope.sum())
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
    move = 0.03 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    w, b = w + move[:-1], b + move[-1]
    w = np.where(SIGNS * w < 0, 0, w)
z = x @ w + b
of = lambda name, variant: np.array([row[0] == name and row[1] == variant for row in found])
names = sorted({row[0] for row in rows})
thresholds = {}
for name in names:
    scores = np.sort(z[of(name, "hidden") & (y == 0)])[::-1]
    allowed = int(sizes[name, "hidden"] / 110)
    thresholds[name] = scores[allowed] if len(scores) > allowed else -9.0
limit = max(value for name, value in thresholds.items() if "Entity" in name)
print("thresholds", {name: round(float(value), 2) for name, value in thresholds.items()}, file=sys.stderr)
for name in names:
    for threshold in (0.0, limit):
        cells = []
        for variant in ("as is", "hidden", "unknown"):
            given = of(name, variant) & (z >= threshold)
            cells.append(f"{variant}: right {(given & (y > 0)).sum() / sizes[name, variant]:.3f} wrong {(given & (y == 0)).sum() / sizes[name, variant]:.3f}")
        print(f"{name} at {threshold:.2f}: " + "; ".join(cells), file=sys.stderr)
print(", ".join(f"{value:.2f}" for value in w))
print(f"bias {b - limit:.2f}")
