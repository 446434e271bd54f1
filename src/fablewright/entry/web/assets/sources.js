// Sources: the passages that the scene uses, those that were found and are not used, those that fell behind.
import { el, fill } from "./dom.js";
import { ask } from "./api.js";
import { current, hear, shown } from "./current.js";
import { place, showPassage } from "./marks.js";

const FIRST = 140; // characters of a passage that are shown

export function setUpSources(panel) {
  let other = null; // an answer that is no scene, when that is what was asked for last
  hear("answered", (answered) => { other = answered; });
  hear("scene", () => { other = null; });

  return async () => {
    const scene = shown();
    const question = other?.order.words ?? current.words;
    const cited = other?.answer.citations ?? scene?.citations;
    if (!cited) return;
    fill(panel, used(cited), el("p", { className: "quiet" }, "Looking what else was found …"));
    if (!question) {
      panel.lastChild.remove();
      return;
    }
    const found = await ask("GET", `/api/v1/sources?${new URLSearchParams({ question: question.slice(0, 1500) })}`);
    const rest = found.passages.filter((each) => !cited.some((one) => one.file === each.file && one.start === each.start));
    fill(panel,
      used(cited),
      group("Found, not used", rest.filter((each) => each.used), "Everything that was found is used."),
      group(`Dropped (${found.dropped.toLocaleString("en")} altogether)`, rest.filter((each) => !each.used), "Nothing fell behind."),
      found.remarks.map((text) => el("p", { className: "quiet" }, text)));
  };
}

function used(cited) {
  return [
    el("h3", {}, "Used"),
    cited.length
      ? el("ol", { className: "passages" }, cited.map((passage, number) => el("li", {}, el("span", { className: "number", "aria-hidden": "true" }, String(number + 1)), el("div", {}, entry(passage, beginning(passage.text))))))
      : el("p", { className: "quiet" }, "Nothing in it rests on your notes."),
  ];
}

function group(title, passages, none) {
  return [
    el("h3", {}, title),
    passages.length
      ? el("ul", { className: "passages" }, passages.map((each) => el("li", {}, entry(each, because(each)))))
      : el("p", { className: "quiet" }, none),
  ];
}

function entry(passage, says) {
  return [
    el("button", { type: "button", className: "plain passage", onclick: () => showPassage(passage) }, place({ page: null, ...passage })),
    el("p", { className: "quiet" }, says),
  ];
}

function because({ why, score, found_by: steps }) {
  const by = steps.slice(0, 4).map(({ step, rank }) => `${step} #${rank}`).join(", ");
  const reason = why.replace(/^used:? ?/, ""); // for a search it is used when it is handed on
  return `${reason && `${reason[0].toUpperCase()}${reason.slice(1)}. `}Score ${score.toFixed(2)}; found by ${by}.`;
}

function beginning(text) {
  const plain = text.replace(/^\s*---\n[^]*?\n---\n/, "").replace(/^(?:\s*(?:#|<!--)[^\n]*\n)+/, "").replace(/\[\[(?:[^\]|]*\|)?([^\]]*)\]\]/g, "$1").replace(/\[![^\]]*\]/g, "").replace(/^[>#\s]+/gm, "").replace(/[*_|`]+/g, "").replace(/^\s*- /, "").replace(/\s+/g, " ").trim();
  return plain.length > FIRST ? `${plain.slice(0, FIRST)}…` : plain;
}
