// Log: what happened at the table, the newest first; what was wrong is taken back.
import { button, complain, el, fill, say } from "./dom.js";
import { ask } from "./api.js";
import { tell } from "./current.js";

export function setUpLog(panel) {
  const said = el("input", { id: "said", placeholder: "Met Ilse at the mill", "aria-label": "What happened", maxLength: 2000 });
  const adding = el("form", {
    className: "row",
    onsubmit: (event) => {
      event.preventDefault();
      add().catch(complain);
    },
  }, said, el("button", { type: "submit" }, "Log it"));
  const shown = el("div", { id: "logged" });
  fill(panel, adding, shown);

  async function add() {
    if (!said.value.trim()) return;
    const { added } = await ask("POST", "/api/v1/log", { said: said.value });
    said.value = "";
    say(added[0].line);
    tell("log");
  }

  async function undo(event) {
    const { taken_back: gone } = await ask("POST", "/api/v1/undo", event ? { event } : {});
    say(`Taken back: ${gone.map((each) => each.line).join("; ")}`);
    tell("log");
  }

  return async () => {
    const log = await ask("GET", "/api/v1/log");
    fill(shown, standing(log.state), entries(log, undo));
  };
}

function standing({ place, present, promises, clocks, loot }) {
  const rows = [
    ["Where", place && [place, present.length > 0 && ` with ${present.join(", ")}`]],
    ["Promises", promises.filter((each) => each.status === "open").map((each) => each.text).join("; ")],
    ["Clocks", clocks.map((each) => `${each.name} ${each.filled}/${each.size}`).join("; ")],
    ["Loot", loot.join("; ")],
  ].filter(([, value]) => value && value.length);
  return rows.length > 0 && el("dl", { className: "standing" }, rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function entries(log, undo) {
  if (!log.events.length) {
    return el("p", { className: "quiet" }, log.prepared
      ? `Prepared, not played: ${log.prepared}. Choose an option, and it is in the log.`
      : "Nothing is in the log yet. What you choose comes in by itself.");
  }
  const days = grouped(log.events);
  return [
    el("p", { className: "row" }, button("Undo the last", () => undo(""), { "data-key": "undo" })),
    [...days].reverse().map(([day, events]) => [
      el("h3", {}, day),
      el("ul", { className: "events" }, [...events].reverse().map((each) => el("li", {},
        el("span", {}, each.line.replace(/ \(GM only\)$/, ""), each.secret && [" ", el("span", { className: "gm-only" }, "GM only")]),
        button("Undo", () => undo(each.id), { className: "small", "aria-label": `Undo: ${each.line}` })))),
    ]),
    log.count > log.events.length && el("p", { className: "quiet" }, `The last ${log.events.length} of ${log.count}.`),
  ];
}

function grouped(events) {
  const days = new Map();
  for (const each of events) days.set(each.on, [...(days.get(each.on) ?? []), each]);
  return days;
}
