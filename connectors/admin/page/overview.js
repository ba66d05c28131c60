// How the bot is now, and was in the last hour.

import { get } from "./api.js";
import { element, table } from "./element.js";
import { plot } from "./plot.js";
import { duration, number, words } from "./words.js";

const EVERY = 5000;

/** The sum of a metric; `null` where there is none of it. */
function sum(values, name, labels = {}) {
  const fits = (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value);
  const found = values.filter(fits);
  return found.length === 0 ? null : found.reduce((all, one) => all + one.value, 0);
}

function card(label, value) {
  return element("dl", { class: "card" }, element("dt", {}, label), element("dd", {}, value === null ? "–" : number(value)));
}

function models(values) {
  const names = [...new Set(values.filter((one) => one.name === "loquat_model_active_requests").map((one) => one.labels.model))];
  const rows = names.map((model) => {
    const of = (name) => number(sum(values, name, { model }) ?? 0);
    const runs = values.find((one) => one.name === "loquat_model_provider" && one.labels.model === model && one.value === 1);
    const memory = (sum(values, "loquat_model_prefix_cache_bytes", { model }) ?? 0) / 1e6;
    return [
      model,
      runs?.labels.provider ?? "–",
      of("loquat_model_active_requests"),
      of("loquat_model_waiting_requests"),
      of("loquat_model_completion_tokens_total"),
      of("loquat_model_cached_tokens_total"),
      `${number(memory)} MB`,
    ];
  });
  const heads = words.model;
  return table(words.models, [heads.name, heads.provider, heads.active, heads.waiting, heads.tokens, heads.cached, heads.memory], rows);
}

export function overview({ main, head, signal, guard }) {
  const cards = element("div", { class: "cards" });
  const plots = element("div", { class: "plots" });
  const running = element("section", {}, element("h2", {}, words.models));
  const place = element("div");
  running.append(place);
  main.append(head(words.pages.overview), cards, plots, running);

  const show = async () => {
    const [{ values }, points] = await Promise.all([get("/gauges"), get("/history")]);
    const gauges = words.gauges;
    cards.replaceChildren(
      card(gauges.atWork, sum(values, "loquat_conversations_at_work") ?? 0),
      card(gauges.queue, sum(values, "loquat_messages_waiting") ?? 0),
      card(gauges.streams, sum(values, "loquat_web_streams")),
      card(gauges.replies, sum(values, "loquat_replies_total") ?? 0),
      card(gauges.unanswered, sum(values, "loquat_unanswered_total") ?? 0),
      card(gauges.owed, sum(values, "loquat_webhooks_waiting")),
    );
    const seconds = (value) => duration(value * 1000);
    const both = (name) => [
      { label: words.keys.half, of: (point) => point[name][0] },
      { label: words.keys.most, of: (point) => point[name][1] },
    ];
    plots.replaceChildren(
      plot(words.plots.first, points, both("first"), seconds),
      plot(words.plots.total, points, both("total"), seconds),
      plot(words.plots.tokens, points, [{ label: words.keys.tokens, of: (point) => point.tokens }], number),
      plot(words.plots.load, points, [
        { label: words.keys.active, of: (point) => point.active },
        { label: words.keys.waiting, of: (point) => point.waiting },
      ], number),
    );
    place.replaceChildren(models(values));
  };
  guard(show);
  const timer = setInterval(() => guard(show), EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}
