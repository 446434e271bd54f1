// How the server is doing, each second: who waits for whom, breakers and their switch, histograms, stories.
import { breakable, el, histogram, lasting, scaleOf, waterfall } from "./system-charts.js";

const EVERY = 1000;
const ANSWERING = "handle_request"; // what a person's words become
const STATES = { closed: "closed", open: "open", half_open: "being tried", forced_open: "forced open", forced_closed: "forced closed" };
const at = (id) => document.getElementById(id);
const shown = new Map();
let chosen = "";
let lostSince = 0;
let lastStories = 0;

const theme = localStorage.getItem("fablewright.theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

/** Ask the server; a problem is thrown in its own words. */
async function ask(path, body) {
  const sent = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, sent);
  const said = await response.json();
  if (!response.ok) throw new Error(said.detail ?? `The server said ${response.status}.`);
  return said;
}

/** Show data in a place if it is other than what is shown; the focus stays where it was, by `data-key`. */
function show(id, data, draw) {
  const text = JSON.stringify(data);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const place = at(id);
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const scrolled = place.scrollTop;
  place.replaceChildren(...[draw(data)].flat());
  place.scrollTop = scrolled;
  if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

const empty = (words) => el("p", "empty", words);

/** Return a table; a column is [heading, what stands in it, its class: a number, or less needed on a phone]. */
function table(rows, columns) {
  const head = columns.map(([name, , className]) => {
    const cell = el("th", className, name);
    cell.scope = "col";
    return cell;
  });
  const body = rows.map((row) => el("tr", "", columns.map(([, of, className]) => el("td", className, of(row)))));
  return el("table", "", el("thead", "", el("tr", "", head)), el("tbody", "", body));
}

function bar(share) {
  const inner = el("i");
  inner.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  const made = el("div", "bar", inner);
  made.setAttribute("aria-hidden", "true");
  return made;
}

const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);

function figures(seen) {
  const missed = sum(seen.outcomes) - (seen.outcomes.replied ?? 0);
  return [
    ["requests", seen.asked],
    ["waiting now", seen.pending_count],
    ["without a reply", missed, missed > 0],
    ["dead letters", sum(seen.dead_letters)],
    ...(seen.unreadable ? [["unreadable", seen.unreadable, true]] : []), // on a network alone
    ["crashes", sum(Object.fromEntries(seen.agents.map((agent) => [agent.name, agent.crashes])))],
    ["tasks", seen.tasks],
    ["longest hold-up", lasting(seen.loop_lag_ms), seen.loop_lag_ms > 250],
  ];
}

function drawn(rows) {
  return rows.map(([name, value, bad]) => el("div", bad ? "bad" : "", el("dt", "", name), el("dd", "", `${value}`)));
}

/** Return the waits as a tree: below each, what its handler waits for. */
function waits(pending) {
  if (!pending.length) return empty("Nobody waits.");
  const known = new Set(pending.map((wait) => wait.id));
  const below = Map.groupBy ? Map.groupBy(pending, (wait) => wait.cause) : grouped(pending);
  const rows = [];
  const walk = (wait, depth) => {
    const who = el("div", "who", `${wait.asker || "somebody outside"} → `, breakable(`${wait.to}.${wait.action}`));
    who.style.paddingInlineStart = `${depth}rem`;
    const time = `${lasting(wait.age_ms)}${wait.started ? "" : " queued"}, ${lasting(Math.max(0, wait.left_ms))} left`;
    rows.push(el("div", wait.started ? "wait" : "wait queued", who, bar(wait.age_ms / (wait.age_ms + wait.left_ms)), el("div", "time", time)));
    for (const next of below.get(wait.id) ?? []) walk(next, depth + 1);
  };
  for (const wait of pending) if (!known.has(wait.cause)) walk(wait, 0);
  return rows;
}

function grouped(pending) {
  const groups = new Map();
  for (const wait of pending) groups.set(wait.cause, [...(groups.get(wait.cause) ?? []), wait]);
  return groups;
}

const agents = (rows) =>
  table(rows, [
    ["Agent", (of) => breakable(of.name)],
    ["Mailbox", (of) => [bar(of.waiting / of.room), `${of.waiting} of ${of.room}`]],
    ["Handlers", (of) => [bar(of.running / of.concurrency), `${of.running} of ${of.concurrency}`]],
    ["Crashes", (of) => (of.crashes ? el("span", "bad", `${of.crashes}`) : "0"), "number"],
  ]);

function breakers(rows) {
  if (!rows.length) return empty("None so far: each is there once its agent was asked.");
  return rows.map((of) => {
    const name = `${of.agent}.${of.action}`;
    const pill = el("span", "pill", STATES[of.state]);
    pill.dataset.state = of.state;
    const buttons = el("div", "switch", [["open", "Force open"], ["auto", "Auto"], ["closed", "Force closed"]].map(([state, words]) => {
      const button = el("button", "", words);
      button.type = "button";
      button.dataset.key = `${name} ${state}`;
      const pressed = state === "auto" ? !of.state.startsWith("forced") : of.state === `forced_${state}`;
      button.setAttribute("aria-pressed", `${pressed}`);
      button.addEventListener("click", () => force(of, state));
      return button;
    }));
    buttons.setAttribute("role", "group");
    buttons.setAttribute("aria-label", name);
    const soon = of.retry_ms ? ` Tried again in ${lasting(of.retry_ms)}.` : "";
    const said = `${of.opened ? `Opened ${of.opened} ×.` : ""}${soon}${of.last_cause ? ` Last: ${of.last_cause}` : ""}`.trim();
    return el("div", "breaker", el("div", "name", ...breakable(name), " ", pill), buttons, said ? el("p", "said quiet", said) : null);
  });
}

async function force({ agent, action }, state) {
  try {
    const now = await ask("/api/v1/breakers", { agent, action, state });
    at("forced").textContent = `${agent}.${action} is ${STATES[now.state]}.`;
    await look();
  } catch (trouble) {
    at("forced").textContent = trouble.message;
  }
}

function latency(actions) {
  const timed = actions.filter((action) => action.latency.length);
  if (!timed.length) return empty("Nothing was answered so far.");
  const scale = scaleOf(timed);
  return timed.map((action) => histogram(action, scale));
}

function caches(rows) {
  if (!rows.length) return empty("Nothing is kept.");
  return table(rows, [
    ["Replies to", (of) => [...breakable(of.action), " ", el("span", "agent", ...breakable(of.agent))]],
    ["Hits", (of) => `${of.hits}`, "number"],
    ["Misses", (of) => `${of.misses}`, "number"],
    ["Stood in", (of) => `${of.stale}`, "number"],
    ["Kept", (of) => `${of.entries}`, "number"],
    ["Size", (of) => `${Math.round(of.bytes / 1024)} kB`, "number less"],
  ]);
}

function letters({ dead_letters: counts, letters: rows }) {
  if (!rows.length) return empty("None.");
  const counted = Object.entries(counts).map(([reason, count]) => `${reason.replaceAll("_", " ")} ${count}`).join(" · ");
  const age = (of) => lasting(Math.floor(of.age_ms / 1000) * 1000).replace(/\.0.*| ms/, " s").replace(/^0.*/, "now");
  return [
    el("p", "quiet", counted),
    table(rows, [["Reason", (of) => of.reason.replaceAll("_", " ")], ["What", (of) => breakable(of.what)], ["Message", (of) => of.id, "less"], ["Ago", age, "number"]]),
  ];
}

function stories(rows) {
  if (!rows.length) return empty("Nothing was asked so far.");
  return rows.map((of) => {
    const asked = el("span", "asked", of.asked);
    const what = of.typed && of.action !== ANSWERING && `${of.action.replace("_", " ")}`; // the same words stand above it
    const ended = of.outcome && of.outcome !== "replied" && of.outcome;
    const when = [new Date(of.at).toLocaleTimeString(), what, ended].filter(Boolean).join(", ");
    const button = el("button", "", asked, el("span", "took", lasting(of.ms)), el("span", "when", when));
    button.type = "button";
    button.dataset.key = of.id;
    button.setAttribute("aria-pressed", `${of.id === chosen}`);
    button.addEventListener("click", () => {
      chosen = of.id;
      void lookAtStories();
    });
    return button;
  });
}

async function lookAtStories() {
  const told = (await ask("/api/v1/stories")).stories;
  chosen ||= (told.find((story) => story.typed && story.action === ANSWERING) ?? told[0])?.id ?? "";
  show("stories", { told, chosen }, ({ told: rows }) => stories(rows));
  if (chosen && told.some((story) => story.id === chosen)) {
    show("story", await ask(`/api/v1/stories/${encodeURIComponent(chosen)}`), waterfall);
  }
  lastStories = Date.now();
}

async function look() {
  const seen = await ask("/api/v1/system");
  show("figures", figures(seen), drawn);
  show("waits", seen.pending, waits);
  show("agents", seen.agents, agents);
  show("breakers", seen.breakers, breakers);
  show("latency", seen.actions, latency);
  show("caches", seen.caches, caches);
  show("letters", { dead_letters: seen.dead_letters, letters: seen.letters }, letters);
}

function state(words, lost) {
  const place = at("state");
  if (place.textContent !== words) place.textContent = words;
  place.dataset.state = lost ? "lost" : "good";
}

async function again() {
  if (!document.hidden) {
    try {
      await look();
      if (Date.now() - lastStories > 3000) await lookAtStories();
      lostSince = 0;
      state("Up to date, each second", false);
    } catch (trouble) {
      lostSince ||= Date.now();
      const why = trouble instanceof TypeError ? "The server does not answer" : trouble.message;
      state(`${why}; what you see is ${lasting(Math.round((Date.now() - lostSince) / 1000) * 1000 + 1000)} old.`, true);
    }
  }
  setTimeout(again, EVERY);
}

void again();
