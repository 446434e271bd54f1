// Balance: what the fight weighs, by rule. Every change is weighed again at once, by the server.
import { complain, el, fill, say } from "./dom.js";
import { ask } from "./api.js";
import { shown } from "./current.js";
import { status } from "./status.js";

let fight = []; // name, count, and for what the rules do not know the CR
let party = "";
let rules = "";

export function setUpBalance(panel) {
  let asked = 0;
  let creatures = null;
  const names = el("datalist", { id: "creature-names" });
  const add = el("input", {
    id: "creature", list: "creature-names", placeholder: "Add a creature", "aria-label": "Add a creature", maxLength: 80,
    onfocus: async () => {
      creatures ??= ask("GET", "/api/v1/creatures").catch(() => { creatures = null; return []; });
      if (!names.childElementCount) names.append(...(await creatures).map(({ name, cr }) => el("option", { value: name, label: `CR ${cr}` })));
    },
  });
  const adding = el("form", {
    className: "row",
    onsubmit: (event) => {
      event.preventDefault();
      const name = add.value.trim();
      if (!name) return;
      const there = fight.find((each) => each.name.toLowerCase() === name.toLowerCase());
      if (there) there.count += 1;
      else fight.push({ name, count: 1 });
      add.value = "";
      weigh();
    },
  }, add, names, el("button", { type: "submit" }, "Add"));
  const who = el("input", {
    id: "who-fights", "aria-label": "Who fights", maxLength: 80, size: 10, title: "4x2 is four level-2 characters; 4x3-1x3 has one absent",
    onchange: () => { party = who.value.trim(); weigh(); },
  });
  const edition = el("select", { "aria-label": "Rules", onchange: () => { rules = edition.value; weigh(); } },
    el("option", { value: "2024" }, "2024"), el("option", { value: "2014" }, "2014"));
  const result = el("div", { id: "weighed" });
  fill(panel, el("p", { className: "row" }, el("label", {}, "Party ", who), el("label", {}, "Rules ", edition)), result, adding);

  async function weigh() {
    const mine = ++asked;
    try {
      const rating = await ask("POST", "/api/v1/ratings", {
        creatures: fight.map(({ name, count, cr }) => ({ name, count, ...(cr === undefined || cr === null ? {} : { cr }) })),
        ...(party ? { party } : {}), ...(rules ? { rules } : {}),
      });
      if (mine !== asked) return; // another change has been made since
      who.value = rating.party;
      edition.value = rating.rules;
      fill(result, weighed(rating, change));
      say(`${rating.difficulty}, ${rating.adjusted_xp} XP`);
    } catch (trouble) {
      if (!trouble.isForPeople) throw trouble;
      fill(result, el("p", { className: "warning" }, trouble.message));
    }
  }

  function change(name, step) {
    const each = fight.find((one) => one.name === name);
    each.count = Math.max(0, Math.min(1000, each.count + step));
    if (!each.count) fight = fight.filter((one) => one !== each);
    weigh().catch(complain);
  }

  return async () => {
    const scene = shown()?.scene;
    fight = (scene?.foes ?? []).map(({ name, count, cr }) => ({ name, count: count ?? 1, cr }));
    party ||= status.party ?? "";
    rules ||= status.rules ?? "";
    await weigh();
  };
}

function weighed(rating, change) {
  const { marks, adjusted_xp: xp } = rating;
  const top = Math.max(xp, marks.at(-1).xp) * 1.08 || 1;
  return [
    el("p", { className: "verdict" }, el("b", {}, rating.difficulty), ` · ${xp.toLocaleString("en")} XP`,
      rating.multiplier !== 1 && ` (${rating.xp.toLocaleString("en")} × ${rating.multiplier})`, ` for ${rating.party_words}`),
    bar(xp, marks, top),
    el("ul", { className: "creatures" },
      fight.map(({ name, count, cr }) => row(name, count, cr, rating, change))),
    rating.warnings.map((text) => el("p", { className: "warning" }, text)),
    !fight.length && el("p", { className: "quiet" }, "Nobody is fought in this scene. Add creatures to see what they weigh."),
  ];
}

function row(name, count, cr, rating, change) {
  const known = rating.creatures.find((each) => each.name.toLowerCase() === name.toLowerCase())
    ?? rating.creatures[fight.filter((each) => !rating.unknown.includes(each.name)).findIndex((each) => each.name === name)];
  const says = rating.unknown.includes(name) || !known
    ? "not in the rules: counts for nothing"
    : `CR ${known.cr} · ${(known.xp * count).toLocaleString("en")} XP`;
  return el("li", {},
    el("span", {}, el("b", {}, name), el("span", { className: "quiet" }, ` ${says}`)),
    el("span", { className: "count" },
      el("button", { type: "button", "data-key": `less-${name}`, "aria-label": `One ${name} less`, onclick: () => change(name, -1) }, "−"),
      el("output", { "aria-label": `How many: ${name}` }, String(count)),
      el("button", { type: "button", "data-key": `more-${name}`, "aria-label": `One ${name} more`, onclick: () => change(name, 1) }, "+")));
}

function bar(xp, marks, top) {
  const fillIn = el("div", { className: "filled" });
  fillIn.style.width = `${(100 * xp) / top}%`;
  const drawn = el("div", {
    className: "bar", role: "img",
    "aria-label": `${xp} XP against ${marks.map((mark) => `${mark.name} ${mark.xp}`).join(", ")}`,
  }, fillIn, marks.map((mark) => {
    const tick = el("div", { className: "tick" }, el("span", {}, `${mark.name} ${mark.xp.toLocaleString("en")}`));
    tick.style.left = `${(100 * mark.xp) / top}%`;
    return tick;
  }));
  return drawn;
}

