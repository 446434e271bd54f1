// Cast: who is in the scene, what the notes and the log say about them, and which of it is for the GM alone.
import { el, fill } from "./dom.js";
import { ask } from "./api.js";
import { current, meant, shown } from "./current.js";
import { line } from "./marks.js";

export function setUpCast(panel) {
  const hint = el("p", { className: "quiet" }, "When a scene is there, this says who is in it.");
  fill(panel, hint);
  return async () => {
    if (!shown() || !current.run) return;
    const of = meant();
    fill(panel, el("p", { className: "quiet" }, "Looking up who is in the scene …"));
    try {
      const { cast } = await ask("GET", `/api/v1/cast?${new URLSearchParams(of)}`);
      if (of.run !== current.run || of.variant !== current.variant) return;
      fill(panel, cast.length
        ? cast.map(person)
        : el("p", { className: "quiet" }, "The scene names nobody whom your notes tell of."));
    } catch (trouble) {
      fill(panel, el("p", { className: "quiet" }, trouble.message));
      if (trouble.status !== 404) throw trouble;
    }
  };
}

function person({ name, alive, met, lines, citations }) {
  const says = [alive === false && "dead", alive === true && "alive", met && "met"].filter(Boolean).join(", ");
  return el("section", { className: "person" },
    el("h3", {}, name, says && el("span", { className: "quiet" }, ` · ${says}`)),
    lines.length ? lines.map((each) => line(each, citations)) : el("p", { className: "quiet" }, "Your notes name them, and say no more."));
}
