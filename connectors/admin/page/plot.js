// Plots of the last hour, as drawings: lines that break where there is nothing to say.

import { drawn, element } from "./element.js";
import { words } from "./words.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [520, 170, 46, 20, 8];
const HOUR = 3600 * 1000;

/** A round number that is at least `value`. */
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

/** The stretches of a line, between which nothing is known. */
function stretches(points, of) {
  const found = [[]];
  for (const point of points) {
    const value = of(point);
    if (value === null || value === undefined) found.push([]);
    else found.at(-1).push({ at: point.at, value });
  }
  return found.filter((stretch) => stretch.length > 0);
}

/** A plot: `lines` have a `label` and give a point's value by `of`; `shown` writes a value. */
export function plot(title, points, lines, shown) {
  const now = points.at(-1)?.at ?? Date.now();
  const values = points.flatMap((point) => lines.map(({ of }) => of(point))).filter((value) => value !== null && value !== undefined);
  const top = ceiling(Math.max(0, ...values));
  const x = (at) => LEFT + (WIDTH - LEFT - 6) * (1 - Math.min(1, (now - at) / HOUR));
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const latest = lines.map(({ label, of }) => {
    const last = points.findLast((point) => of(point) !== null && of(point) !== undefined);
    return last ? `${label}: ${shown(of(last))}` : `${label}: –`;
  });
  const image = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${latest.join(", ")}` });
  for (const share of [0, 0.5, 1]) {
    const height = y(top * share);
    image.append(drawn("line", { class: "grid", x1: LEFT, x2: WIDTH - 6, y1: height, y2: height }));
    image.append(drawn("text", { class: "axis", x: LEFT - 6, y: height + 4, "text-anchor": "end" }, shown(top * share)));
  }
  image.append(drawn("text", { class: "axis", x: LEFT, y: HEIGHT - 4 }, words.ago));
  image.append(drawn("text", { class: "axis", x: WIDTH - 6, y: HEIGHT - 4, "text-anchor": "end" }, words.now));
  lines.forEach(({ of }, index) => {
    for (const stretch of stretches(points, of)) {
      const path = stretch.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      image.append(drawn("polyline", { class: index === 0 ? "first-line" : "second-line", points: path }));
      // One alone would be no line.
      if (stretch.length === 1) {
        const [{ at, value }] = stretch;
        image.append(drawn("circle", { class: index === 0 ? "dot" : "dot second", cx: x(at).toFixed(1), cy: y(value).toFixed(1), r: 2.5 }));
      }
    }
  });
  if (values.length === 0) {
    image.append(drawn("text", { class: "axis", x: (WIDTH + LEFT) / 2, y: HEIGHT / 2, "text-anchor": "middle" }, words.none));
  }
  const keys = lines.map((_, index) => element("span", { class: index === 0 ? "key" : "key second" }, latest[index]));
  return element("figure", { class: "plot" }, element("figcaption", {}, element("h2", {}, title), ...keys), image);
}
