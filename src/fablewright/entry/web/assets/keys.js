// The keyboard: single keys while nothing is typed, Esc always; they can be switched off where they get in the way.
import { at, complain, el } from "./dom.js";
import { isGoing, regenerate, stop } from "./ask.js";
import { turnTheme } from "./colours.js";
import { current } from "./current.js";
import { open } from "./dialog.js";
import { openTab } from "./panels.js";
import { play, showToPlayers, turn } from "./scene.js";

const OFF = "fablewright.keys";

const KEYS = [
  ["/", "go to the question", () => at("words").focus()],
  ["ArrowLeft", "the scene before, of those that differ", () => turn(-1)],
  ["ArrowRight", "the next scene", () => turn(1)],
  ["r", "write anew what is not kept", () => current.answer && regenerate()],
  ["p", "show the text that is read aloud to the players", showToPlayers],
  ["o", "go to the options", () => at("scene").querySelector(".option")?.focus()],
  ["s", "Sources", () => openTab("sources", { focus: true })],
  ["b", "Balance", () => openTab("balance", { focus: true })],
  ["c", "Cast", () => openTab("cast", { focus: true })],
  ["a", "Prepared: what is ahead", () => openTab("prepared", { focus: true })],
  ["l", "Log", () => openTab("log", { focus: true })],
  ["d", "Dice", () => openTab("dice", { focus: true })],
  ["t", "dark or light", turnTheme],
  ["?", "these keys", help],
];
const NAMES = { ArrowLeft: "←", ArrowRight: "→" };

function help() {
  const on = el("input", {
    type: "checkbox", id: "keys-on", checked: !localStorage.getItem(OFF),
    onchange: () => (on.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "off")),
  });
  open("Keys", [
    el("dl", { className: "keys" },
      [["Enter", "ask; with Shift a new line"], ["↑ ↓", "what you asked before, while in the question"],
        ["Esc", "stop what is under way, and keep what is there"],
        ["1 to 9", "in the options: play that one out"],
        ...KEYS.map(([key, words]) => [NAMES[key] ?? key, words])]
        .map(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)])),
    el("p", {}, el("label", {}, on, " single keys work while nothing is typed")),
  ]);
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function pressed(event) {
  if (event.key === "Escape" && !at("dialog").open && isGoing()) {
    event.preventDefault();
    stop().catch(complain);
    return;
  }
  const isOff = localStorage.getItem(OFF) || event.ctrlKey || event.metaKey || event.altKey || at("dialog").open;
  if (isOff || event.defaultPrevented || isTyping(event.target)) return;
  if (/^[1-9]$/.test(event.key) && event.target.closest(".options")) {
    event.preventDefault();
    play(Number(event.key)).catch(complain);
    return;
  }
  const known = KEYS.find(([key]) => key === event.key);
  if (!known) return;
  event.preventDefault();
  Promise.resolve(known[2]()).catch(complain);
}

export function setUpKeys() {
  document.addEventListener("keydown", pressed);
  at("help").addEventListener("click", help);
}
