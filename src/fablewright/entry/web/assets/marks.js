// A line with where it comes from: in a word, and with marks that open the passages behind it.
import { coded, complain, el, fill } from "./dom.js";
import { ask } from "./api.js";
import { open } from "./dialog.js";

const ORIGINS = {
  quoted: ["quoted", "Word for word from your notes"],
  from_notes: ["from notes", "What your notes say, set in order"],
  retold: ["retold", "What your notes say, in a model's words"],
  by_rule: ["by rule", "Worked out from the rules"],
  invented: ["invented", "Not in your notes"],
  from_log: ["from the log", "What happened at the table"],
};

const OURS = new Set(["by_rule", "from_log"]); // sentences of our own, which may name a command

/** Return the marks of a line, check or foe: its origin, whether it is a secret, its sources. */
export function marks({ origin, sources, secret }, citations) {
  const [word, meaning] = ORIGINS[origin] ?? [origin, ""];
  return el("span", { className: "marks" },
    secret && el("span", { className: "gm-only" }, "GM only"),
    el("span", { className: "origin", title: meaning, "data-origin": origin }, word),
    sources.filter((source) => citations[source]).map((source) => sourceMark(source, citations[source])));
}

/** Return a line as a paragraph (or whatever `tag` says) with its marks. */
export function line(said, citations, tag = "p", lead = "") {
  return el(tag, { className: said.secret ? "line secret" : "line", "data-origin": said.origin },
    lead && el("b", { className: "lead" }, lead), OURS.has(said.origin) ? coded(said.text) : said.text, " ", marks(said, citations));
}

function sourceMark(number, passage) {
  return el("button", {
    type: "button",
    className: "source",
    title: place(passage),
    "aria-label": `Source ${number + 1}: ${place(passage)}`,
    onclick: () => showPassage(passage),
  }, String(number + 1));
}

/** Return where a passage stands, for people. */
export function place({ file, page, heading }) {
  return [page === null || page === undefined ? file : `${file}, p. ${page}`, ...heading].join(" › ");
}

/** Open a passage where it stands, with the text around it. */
export async function showPassage(passage) {
  const text = el("div", { className: "note", tabIndex: 0 }, el("p", { className: "quiet" }, "Looking it up …"));
  const more = el("p", { className: "row" });
  open(passage.heading.at(-1) ?? passage.file, [
    el("p", { className: "quiet" }, place(passage)),
    text, more,
  ]);
  const where = new URLSearchParams({ file: passage.file, start: passage.start, end: passage.end });
  try {
    const found = await ask("GET", `/api/v1/passages?${where}`);
    const mark = el("mark", {}, found.text);
    fill(text, !found.begins && "… ", found.before, mark, found.after, !found.ends && " …");
    fill(more, found.open.length > 0 && el("button", {
      type: "button",
      title: "Without what is marked as a secret; look at it before you show it",
      onclick: () => document.dispatchEvent(new CustomEvent("handout", { detail: found.open.join("\n\n") })),
    }, "Make a hand-out of it"));
    text.scrollTop = Math.max(0, mark.offsetTop - text.offsetTop - 60);
  } catch (trouble) {
    if (!passage.text || !trouble.isForPeople) complain(trouble);
    fill(text, el("mark", {}, passage.text ?? ""), el("p", { className: "quiet" }, trouble.message));
  }
}

