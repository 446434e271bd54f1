// The question, and what becomes of it: stages with the time they take, an answer, prose that flows in, an end.
import { at, complain, el, say } from "./dom.js";
import { ask, follow } from "./api.js";
import { current, meant, tell } from "./current.js";

const HISTORY = "fablewright.asked";
const words = at("words");
const asked = told();
let place = asked.length; // in the history; its length is what is being typed
let draft = "";
let going = null; // the run under way: id, since, words, order, and how to leave it
let cut = null; // the run that could not be followed any more
let ticking;

const PATIENCE = 5; // seconds without a connection until a request counts as cut off

/** Return what was asked before, as this browser has kept it; nothing where that cannot be read. */
function told() {
  try {
    const kept = JSON.parse(localStorage.getItem(HISTORY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

// ---------------------------------------------------------------- what is shown meanwhile

function stage(what, { over = false } = {}) {
  at("stage").querySelector(".what").textContent = what;
  at("stage").classList.toggle("over", over);
}

function tick() {
  if (going) at("stage").querySelector(".time").textContent = `${((performance.now() - going.since) / 1000).toFixed(1)} s`;
}

function begun(run) {
  going = run;
  cut = null;
  at("stop").hidden = false;
  document.body.classList.add("busy");
  stage("Asking");
  clearInterval(ticking);
  ticking = setInterval(tick, 100);
  tick();
}

function ended(what, seconds) {
  clearInterval(ticking);
  going = null;
  at("stop").hidden = true;
  document.body.classList.remove("busy");
  stage(what, { over: true });
  at("stage").querySelector(".time").textContent = seconds === undefined ? "" : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

// ---------------------------------------------------------------- one run

/** Have something done; `order` is that of the API. */
export async function begin(order) {
  await stop();
  const run = { since: performance.now(), order, missing: [], id: "", leave: () => {} };
  begun(run);
  tell("begun", order);
  try {
    const made = await ask("POST", "/api/v1/runs", order, { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) });
    run.id = made.id;
    if (going === run) listen(run);
    else await ask("DELETE", `/api/v1/runs/${run.id}`); // it was stopped before the server had said that it is there
  } catch (trouble) {
    if (going === run) ended("Not answered.");
    throw trouble;
  }
}

/** Take up a run that was begun before this page was opened. */
export function takeUp(described, order = {}) {
  const run = { since: performance.now() - described.elapsed_ms, order, missing: [], id: described.id, leave: () => {} };
  if (described.answer) answered(run, described.answer);
  if (described.state !== "running") return;
  begun(run);
  listen(run);
}

function listen(run) {
  run.leave = follow(`/api/v1/runs/${run.id}/events`, {
    stage({ stage: what }) {
      if (going !== run) return;
      stage(what);
      say(what);
    },
    answer({ answer, elapsed_ms }) {
      run.took = elapsed_ms / 1000;
      answered(run, answer);
      if (going === run && answer.scene) stage("The scene is there");
    },
    prose({ part, lines, writer }) {
      run.wrote = writer;
      if (current.run !== run.id) return;
      current.answer.scene[part] = lines;
      current.answer.generation_method = "model";
      tell("part", { part, writer });
      if (going === run) stage(`${writer} is writing`);
    },
    missing({ text }) {
      run.missing.push(text);
      if (current.run === run.id) {
        current.answer.missing = [...current.answer.missing, text];
        tell("missing");
      }
    },
    problem({ detail }) {
      run.problem = detail;
      if (!run.order.want) words.value ||= run.order.words ?? ""; // to be put right and asked again
      grow();
    },
    end({ state, elapsed_ms }) {
      run.leave();
      if (going !== run) return;
      const seconds = elapsed_ms / 1000;
      const first = run.wrote ? `The scene came after ${run.took.toFixed(2)} s, the prose of ${run.wrote} after` : "Answered in";
      ended({ done: first, stopped: run.answer ? "Stopped; what is there stays." : "Stopped.", failed: run.problem ?? "Not answered." }[state], state === "failed" ? undefined : seconds);
      say({ done: "Ready.", stopped: "Stopped.", failed: run.problem ?? "Not answered." }[state]);
      tell("ended", { state });
    },
    reset() {},
  }, {
    lost(seconds) {
      if (going !== run) return;
      stage("No connection, trying again");
      if (seconds >= PATIENCE) cutOff(run);
      else ask("GET", `/api/v1/runs/${run.id}`).catch(({ status }) => { if (status === 404) cutOff(run); }); // a new server
    },
    back() {
      if (going === run) stage(run.answer ? "The scene is there" : "Going on");
    },
  });
}

/** Give up a request that cannot be followed: its server is gone, or out of reach for long. */
function cutOff(run) {
  if (going !== run) return;
  run.leave();
  cut = run;
  ended(run.answer ? "Cut off; what is there stays." : "Cut off. Ask again when the server is back.");
  tell("ended", { state: "failed" });
}

/** Go on with what was cut off, if the server that is back still has it and nothing else was asked since. */
export async function takeUpAgain() {
  const run = cut;
  cut = null;
  if (!run || going) return;
  const described = await ask("GET", `/api/v1/runs/${run.id}`);
  if (going) return;
  takeUp(described, run.order);
  if (!going) stage(described.answer ? "Answered meanwhile" : "Not answered.", { over: true });
}

function answered(run, answer) {
  run.answer = answer;
  if (answer.scene) {
    Object.assign(current, { run: run.id, words: run.order.words ?? current.words, answer, variant: 0 });
    if (!run.order.keep) current.locked.clear();
    tell("scene");
    say(`Scene: ${answer.scene.title.text}`);
  } else {
    tell("reply", { answer, order: run.order });
  }
}

/** Stop what is under way, if anything is; what is there stays. */
export async function stop() {
  const run = going;
  if (!run) return;
  stage("Stopping");
  if (run.id) {
    await ask("DELETE", `/api/v1/runs/${run.id}`).catch((trouble) => {
      if (!trouble.isForPeople) throw trouble; // there is no such run any more, or no server: it is stopped all the same
    });
  }
  if (going === run) {
    run.leave();
    ended(run.answer ? "Stopped; what is there stays." : "Stopped.");
    say("Stopped.");
    tell("ended", { state: "stopped" });
  }
}

export const isGoing = () => going !== null;

// ---------------------------------------------------------------- orders that other parts give

/** Ask for a scene or an answer in words, with the wishes that are set. */
export function askFor(text, more = {}) {
  const order = { words: text.trim(), ...more };
  for (const wish of ["tone", "length"]) if (at(wish).value) order[wish] = at(wish).value;
  if (Number(at("variants").value) > 1) order.variants = Number(at("variants").value);
  return begin(order);
}

/** Play an option of the scene out. */
export async function choose(number, option, roll) {
  const order = { words: `choose ${number}`, want: "choose", prose: false };
  if (roll !== null) order.roll = roll;
  if (current.run) order.scene = meant();
  else order.words = `choose ${option.action.text}`.slice(0, 4000); // it may be another scene's that is kept
  try {
    await begin(order);
  } catch (trouble) {
    if (trouble.status !== 404) throw trouble;
    current.run = ""; // the server was started anew, and has only what the campaign keeps
    await choose(number, option, roll);
  }
}

/** Write all parts anew that are not locked. */
export function regenerate() {
  const order = { words: current.words || current.answer.scene.title.text, want: current.answer.want };
  for (const wish of ["tone", "length"]) if (at(wish).value) order[wish] = at(wish).value;
  if (current.locked.size) order.keep = { ...meant(), parts: [...current.locked] };
  return begin(order);
}

// ---------------------------------------------------------------- the input

function remember(text) {
  if (asked.at(-1) !== text) asked.push(text);
  asked.splice(0, asked.length - 50);
  localStorage.setItem(HISTORY, JSON.stringify(asked));
  place = asked.length;
  draft = "";
}

function grow() {
  words.style.height = "auto";
  words.style.height = `${Math.min(words.scrollHeight + 2, 160)}px`;
}

function recall(step) {
  if (place === asked.length) draft = words.value;
  place = Math.max(0, Math.min(asked.length, place + step));
  words.value = place === asked.length ? draft : asked[place];
  grow();
  words.setSelectionRange(words.value.length, words.value.length);
}

async function submit() {
  const text = words.value.trim();
  if (!text) return;
  remember(text);
  words.value = "";
  grow();
  await askFor(text).catch((trouble) => {
    words.value ||= text; // nothing typed is lost
    grow();
    complain(trouble);
  });
}

export function setUpAsking() {
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  words.addEventListener("input", grow);
  words.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && !words.value.slice(0, words.selectionStart).includes("\n")) {
      event.preventDefault();
      recall(-1);
    } else if (event.key === "ArrowDown" && !words.value.slice(words.selectionEnd).includes("\n")) {
      event.preventDefault();
      recall(1);
    }
  });
  at("stop").addEventListener("click", () => stop().catch(complain));
  for (const tone of ["grim", "light", "eerie", "heroic"]) at("tone").append(el("option", { value: tone }, tone));
  document.addEventListener("notice", ({ detail }) => {
    stage(detail, { over: true });
    at("stage").querySelector(".time").textContent = "";
    say(detail);
  });
  document.addEventListener("click", (event) => {
    const example = event.target.closest("[data-ask]");
    if (example) askFor(example.dataset.ask).catch(complain);
  });
}

