// Charts out of figures: a histogram of durations on a scale by doublings, and one request's story as a waterfall.

const SVG = "http://www.w3.org/2000/svg";
const TICKS = [0.01, 0.1, 1, 10, 100, 1000, 10000, 100000];

/** Return an element with a class and children; texts go in as text. */
export function el(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Return a name in parts that may stand on two lines: it breaks after dots and underscores, not within a word. */
export const breakable = (name) => name.split(/(?<=[._])/).flatMap((part) => [part, document.createElement("wbr")]).slice(0, -1);

/** Return milliseconds as people say them. */
export function lasting(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 10) return `${ms < 1 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 5400000 ? `${Math.round(ms / 60000)} min` : `${Math.round(ms / 3600000)} h`;
}

function drawn(tag, values) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
  return made;
}

/** Return the scale that the replies of all actions fit on: where a duration stands, from 0 to 1. */
export function scaleOf(actions) {
  const ends = actions.flatMap((action) => action.latency.map((bucket) => bucket.upto_ms));
  const from = Math.min(...ends) / 2;
  const to = Math.max(...ends, from * 16);
  const width = Math.log2(to / from);
  const at = (ms) => Math.min(1, Math.max(0, Math.log2(ms / from) / width));
  return { at, ticks: TICKS.filter((tick) => tick >= from && tick <= to) };
}

/** Return one action's histogram. */
export function histogram(action, scale) {
  const most = Math.max(...action.latency.map((bucket) => bucket.count));
  const said = `half of ${action.outcomes.replied} replies within ${lasting(action.p50_ms)}, 95 % within ${lasting(action.p95_ms)}, 99 % within ${lasting(action.p99_ms)}`;
  const picture = drawn("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": said });
  picture.append(drawn("line", { class: "ground", x1: 0, x2: 100, y1: 30, y2: 30 }));
  for (const { upto_ms, count } of action.latency) {
    if (!count) continue;
    const from = 100 * scale.at(upto_ms / 2);
    const height = Math.max(1, (28 * count) / most);
    const bar = drawn("rect", { x: from + 0.3, y: 30 - height, width: 100 * scale.at(upto_ms) - from - 0.6, height });
    const title = drawn("title", {});
    title.textContent = `${count} from ${lasting(upto_ms / 2)} to ${lasting(upto_ms)}`;
    bar.append(title);
    picture.append(bar);
  }
  const median = 100 * scale.at(action.p50_ms);
  picture.append(drawn("line", { x1: median, x2: median, y1: 0, y2: 30 }));
  const axis = el("div", "axis");
  axis.setAttribute("aria-hidden", "true");
  for (const tick of scale.ticks) {
    const mark = el("span", "", lasting(tick).replace(".0", "").replace("0.10", "0.1"));
    mark.style.left = `${100 * scale.at(tick)}%`;
    axis.append(mark);
  }
  const quantiles = [["p50", action.p50_ms], ["p95", action.p95_ms], ["p99", action.p99_ms]];
  const times = quantiles.map(([name, ms]) => el("span", "", el("small", "", name), ` ${lasting(ms)}`));
  const about = el("p", "", `${action.agent}, asked ${action.asked} ×`);
  return el("div", "chart", el("h3", "", ...breakable(action.action)), about, el("p", "times", times), picture, axis);
}

/** Return a story as a waterfall: a row a message, below the one whose handler sent it. */
export function waterfall({ story, spans, remarks }) {
  const ends = spans.flatMap((span) => [span.at_ms, span.started_ms, span.finished_ms, span.ended_ms]);
  const total = Math.max(story.ms ?? 0, ...ends.filter((end) => end !== null), 0.001);
  const rows = spans.map((span) => row(span, total));
  const key = el("p", "key quiet", el("span", "", el("i", "waited"), "waits for its turn"), el("span", "", el("i"), "is worked on"), el("span", "", el("i", "failed"), "got no reply"));
  const said = remarks.filter((remark) => remark.what !== "retried").map((remark) => el("li", "", `${lasting(remark.at_ms)} · ${remark.where} ${remark.what.replace("_", " ")}${remark.detail ? `: ${remark.detail}` : ""}`));
  return [el("p", "asked", story.asked), ...rows, key, said.length ? el("ul", "remarks", said) : null].filter(Boolean);
}

function row(span, total) {
  const end = (span.how === "told" ? span.finished_ms : span.ended_ms) ?? total;
  const begun = span.started_ms === null ? end : Math.min(span.started_ms, end);
  const ok = span.how === "told" || span.outcome === "replied" || !span.outcome;
  const track = el("div", "track", span.how === "joined" ? null : piece(span.at_ms, begun, total, "waited"), piece(span.how === "joined" ? span.at_ms : begun, end, total, ok ? "worked" : "failed"));
  const tried = span.attempt > 1 ? `, try ${span.attempt}` : "";
  const verb = { told: "tells ", joined: "joins " }[span.how] ?? "";
  const name = el("div", "name", verb, ...breakable(span.action), `${tried} `, el("span", "agent", ...breakable(span.to)), ok ? null : el("span", "bad", ` ${span.outcome}`));
  name.style.paddingInlineStart = `${0.8 * span.depth}rem`;
  const line = el("div", "span", name, track, el("div", "took", lasting(end - span.at_ms)));
  if (span.why) line.title = span.why;
  return line;
}

function piece(from, to, total, className) {
  if (className === "waited" && to - from < total / 500) return null;
  const made = el("i", className.trim());
  made.style.left = `${(100 * from) / total}%`;
  made.style.width = `${(100 * (to - from)) / total}%`;
  return made;
}
