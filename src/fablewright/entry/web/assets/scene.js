// The scene in its fixed order, with what can be done to it: variants, locks, options, showing it to the players.
import { at, button, coded, complain, el, fill, notice, say } from "./dom.js";
import { ask } from "./api.js";
import { begin, choose, regenerate } from "./ask.js";
import { current, hear, meant, shown, tell } from "./current.js";
import { line, marks } from "./marks.js";

const PARTS = [
  ["read_aloud", "Read aloud"],
  ["here", "What is here"],
  ["checks", "Checks"],
  ["foes", "Foes"],
  ["options", "Options"],
  ["consequences", "Consequences"],
  ["loot", "Loot"],
];

let played = null; // what came of the option that was chosen last
let rolled = ""; // what the players rolled for the next one, as it was typed

// ---------------------------------------------------------------- the parts

const writers = {
  read_aloud: (lines, cited) => lines.map((each) => line(each, cited)),
  here: (lines, cited) => el("ul", {}, lines.map((each) => line(each, cited, "li"))),
  checks: (checks, cited) => el("ul", { className: "checks" }, checks.map((check) => checkRow(check, cited))),
  foes: (foes, cited) => [
    el("ul", { className: "foes" }, foes.map((foe) => foeRow(foe, cited))),
    shown().scene.balance.map((each) => line(each, cited)),
  ],
  options: (options, cited) => [
    el("ol", { className: "options" }, options.map((option, at) => optionRow(option, at + 1, cited))),
    el("p", { className: "row quiet" },
      el("label", {}, "The players rolled ", el("input", {
        id: "roll", type: "number", min: "-20", max: "100", inputMode: "numeric", placeholder: "–",
        title: "Their own result, modifiers included; empty: it is rolled for them",
        value: rolled, "data-key": "roll", oninput: (event) => { rolled = event.target.value; },
      })), " empty: it is rolled for them"),
    el("div", { id: "played", className: "played", role: "status" }, played && playedLines()),
  ],
  consequences: (lines, cited) => el("ul", {}, lines.map((each) => line(each, cited, "li"))),
  loot: (lines, cited) => el("ul", {}, lines.map((each) => line(each, cited, "li"))),
};

function checkRow(check, cited) {
  const outcome = (name, words) => check[name] && el("p", { className: "outcome" },
    el("b", {}, words), " ", check[name].text, check[name].secret && el("span", { className: "gm-only" }, "GM only"));
  return el("li", { className: check.secret ? "secret" : "" },
    el("p", {}, el("b", { className: "dc" }, `DC ${check.dc}`), " ", el("b", {}, check.skill),
      check.purpose && ` · ${check.purpose.text}`, " ", marks(check, cited)),
    outcome("success", "Success"), outcome("failure", "Failure"));
}

function foeRow(foe, cited) {
  const numbers = foe.xp === null ? "" : `CR ${fraction(foe.cr)}, ${foe.xp.toLocaleString("en")} XP`;
  return el("li", { className: foe.secret ? "secret" : "" },
    el("b", {}, `${foe.count === null ? "some" : `${foe.count} ×`} ${foe.name}`),
    foe.note && ` · ${foe.note}`, numbers && el("span", { className: "quiet" }, ` · ${numbers}`), " ", marks(foe, cited));
}

const fraction = (cr) => ({ 0.125: "1/8", 0.25: "1/4", 0.5: "1/2" })[cr] ?? String(cr);

function optionRow(option, number, cited) {
  return el("li", { className: option.action.secret ? "secret" : "" },
    el("button", {
      type: "button", className: "option", "data-key": `option-${number}`,
      onclick: () => play(number, option).catch(complain),
    }, el("span", { className: "number", "aria-hidden": "true" }, String(number)), el("span", {}, option.action.text)),
    marks(option.action, cited));
}

/** Play out the option with a number; the way of the keyboard. */
export async function play(number, option = shown()?.scene.options[number - 1]) {
  if (!option) return;
  const roll = rolled.trim();
  rolled = "";
  at("roll").value = "";
  await choose(number, option, roll === "" ? null : Number(roll));
}

function playedLines() {
  const { lines, cited } = played;
  return lines.map((each) => {
    const next = /^Next could be: (.+)$/.exec(each.text);
    if (!next) return line(each, cited);
    return el("p", {}, button(`Go on to: ${next[1]}`, () => begin({ words: next[1], want: "scene" })), marks(each, cited));
  });
}

// ---------------------------------------------------------------- the whole

function section(name, words) {
  const { scene, citations } = shown();
  const isEmpty = scene[name].length === 0 && !(name === "foes" && scene.balance.length);
  if (isEmpty) return null;
  return el("section", { "data-part": name, "aria-labelledby": `part-${name}`, className: current.locked.has(name) ? "locked" : "" },
    el("header", {}, el("h3", { id: `part-${name}` }, words), el("span", { className: "row" },
      name === "read_aloud" && button("Show to players", showToPlayers, { "data-key": "show" }),
      canVary() && lock(name, words))),
    writers[name](scene[name], citations));
}

/** Whether it can be had in variants and with parts that stay: a fight alone is built anew as a whole. */
const canVary = () => current.answer.want === "scene";

function lock(name, words) {
  const isLocked = current.locked.has(name);
  return el("button", {
    type: "button", className: "lock", "data-key": `lock-${name}`, "aria-pressed": String(isLocked),
    "aria-label": `Keep ${words}`, title: "What is kept stays word for word when the rest is written anew",
    onclick: () => {
      if (isLocked) current.locked.delete(name);
      else current.locked.add(name);
      show();
    },
  }, isLocked ? "Kept" : "Keep");
}

function show() {
  const { scene, citations } = shown();
  const kept = current.locked.size;
  fill(at("scene"),
    el("header", { className: "title" },
      el("h2", {}, scene.title.text), marks(scene.title, citations),
      el("p", { className: "row" },
        variants(),
        button(kept ? `Write the rest anew (${kept} kept)` : "Write it anew", regenerate, { "data-key": "again" }),
        canVary() && current.answer.variants === undefined && button("Two more that differ", () => begin({
          words: current.words || scene.title.text, want: "scene", variants: 3,
        }), { "data-key": "more" }))),
    missing(),
    PARTS.map(([name, words]) => section(name, words)),
    el("p", { className: "quiet method" }, method()));
}

function missing() {
  const { missing: gone } = current.answer;
  return el("ul", { id: "missing", className: "missing", "aria-label": "What is missing", hidden: !gone.length },
    gone.map((text) => el("li", {}, coded(text))));
}

function method() {
  const { generation_method: by, used_rag: fromNotes, timings } = current.answer;
  const who = {
    composer: "Put together out of your notes",
    improviser: "Made up without your notes",
    model: fromNotes ? "Put together out of your notes, with prose by a model" : "Made up, with prose by a model",
    rules: "Built by the rules",
    tables: "Rolled on the tables",
  }[by] ?? "Answered";
  return `${who}, in ${Math.round(timings.total_ms)} ms.`;
}

// ---------------------------------------------------------------- variants

function variants() {
  const others = current.answer.variants ?? [];
  if (!others.length) return null;
  const count = others.length + 1;
  const words = current.variant ? others[current.variant - 1].differs : "as asked for";
  return el("span", { className: "variants", role: "group", "aria-label": "Scenes that differ" },
    el("button", { type: "button", "data-key": "before", "aria-label": "The scene before", onclick: () => turn(-1) }, "◂"),
    el("span", {}, `${current.variant + 1} of ${count}`),
    el("button", { type: "button", "data-key": "after", "aria-label": "The next scene", onclick: () => turn(1) }, "▸"),
    el("span", { className: "quiet" }, words));
}

/** Look at another one of the scenes that differ; it goes round. */
export function turn(step) {
  const count = (current.answer?.variants?.length ?? 0) + 1;
  if (count === 1) return;
  current.variant = (current.variant + step + count) % count;
  played = null;
  show();
  say(`Scene ${current.variant + 1} of ${count}: ${shown().scene.title.text}`);
  tell("variant");
}

// ---------------------------------------------------------------- the players

/** Show the text that is read aloud to the players. */
export async function showToPlayers() {
  if (!shown()) return;
  await ask("PUT", "/api/v1/board", { scene: meant() });
  notice("The players see it now.");
}

// ---------------------------------------------------------------- answers that are no scenes

function reply({ answer, order }) {
  if (order.want === "choose") {
    played = { lines: [...answer.answer, ...answer.missing.map((text) => ({ text, origin: "by_rule", sources: [], secret: false }))], cited: answer.citations };
    if (shown() && at("played")) fill(at("played"), playedLines());
    at("played")?.scrollIntoView({ block: "nearest" });
    tell("log");
    return;
  }
  if (answer.want === "log" || answer.want === "undo") tell("log");
  at("reply").hidden = false;
  fill(at("reply"),
    el("header", {}, el("h2", {}, order.words ?? "Answer"),
      el("button", { type: "button", className: "close", "aria-label": "Put the answer away", onclick: () => { at("reply").hidden = true; } }, "×")),
    answer.status === "abstained" && !answer.answer.length && el("p", { className: "quiet" }, "Your notes do not say."),
    answer.answer.map((each) => line(each, answer.citations)),
    answer.missing.length > 0 && el("ul", { className: "missing" }, answer.missing.map((text) => el("li", {}, coded(text)))));
  say(answer.answer.map((each) => each.text).join(" ").replaceAll("`", "").slice(0, 300));
  tell("answered", { answer, order });
}

export function setUpScene() {
  hear("scene", () => {
    played = null;
    at("reply").hidden = true;
    show();
  });
  hear("begun", (order) => {
    if (order.want !== "choose" && !order.keep) played = null;
  });
  hear("part", ({ part, writer }) => {
    if (current.variant) return;
    const old = at("scene").querySelector(`[data-part="${part}"]`);
    const fresh = section(part, PARTS.find(([name]) => name === part)?.[1] ?? part);
    fresh?.classList.add("fresh");
    if (old && fresh) old.replaceWith(fresh);
    else show();
    say(`${part.replace("_", " ")}: in the words of ${writer}`);
  });
  hear("missing", () => at("missing")?.replaceWith(missing()));
  hear("reply", reply);
}
