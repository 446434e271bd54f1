// Prepared: the scenes that are ready to be played, each a press away from the table.
import { button, el, fill, say } from "./dom.js";
import { ask } from "./api.js";
import { isGoing } from "./ask.js";
import { current, tell } from "./current.js";

export function setUpPrepared(panel) {
  return async () => {
    const { words, scenes } = await ask("GET", "/api/v1/prepared");
    fill(panel, scenes.length
      ? [
        words && el("p", { className: "quiet" }, words),
        el("ol", { className: "events prepared" }, scenes.map(row)),
      ]
      : el("p", { className: "quiet" }, "No scene is prepared. In a terminal, fablewright prep writes those that may come next; "
        + "and one that nobody could make in time when you asked for it comes here by itself."));
  };
}

function row({ number, title, why, state, remark, sources }) {
  const from = sources.length > 0 && ` · from ${sources.slice(0, 3).join(", ")}${sources.length > 3 ? ` and ${sources.length - 3} more` : ""}`;
  return el("li", {},
    el("span", {}, el("b", {}, title), el("span", { className: "quiet why" }, why, from)),
    state === "done"
      ? button("Open", () => open(number, title), { className: "small", "aria-label": `Open: ${title}` })
      : el("span", { className: "quiet" }, remark));
}

async function open(number, title) {
  const { id, answer } = await ask("POST", `/api/v1/prepared/${number}`);
  if (isGoing()) return; // she has asked for something meanwhile: that one stays
  Object.assign(current, { run: id, words: title, answer, variant: 0 });
  current.locked.clear();
  tell("scene");
  say(`Scene: ${title}`);
  document.getElementById("scene").focus();
}
