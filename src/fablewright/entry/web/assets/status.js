// The top strip: campaign, party, and how notes, model and rules do, in words, with the age of the last good answer;
// and whether scenes are durable, where they are not.
import { at, el, fill, lasting } from "./dom.js";
import { ask } from "./api.js";
import { tell } from "./current.js";

const EVERY = 8000; // milliseconds

export const status = {};

const NAMES = { notes: "Notes", model: "Model", rules: "Rules", scenes: "Scenes" };
let seen = 0;

/** Ask how all does, and show it. */
export async function refresh() {
  Object.assign(status, await ask("GET", "/api/v1/status"));
  seen = Date.now();
  show();
  tell("status", status);
  return status;
}

function show() {
  at("campaign").textContent = status.campaign || status.label;
  at("campaign").title = `Campaign ${status.campaign}, notes: ${status.label}`;
  at("party").textContent = [status.party_words, `${status.rules} rules`, status.place].filter(Boolean).join(" · ");
  ages();
}

function ages() {
  if (!status.health) return;
  const since = (Date.now() - seen) / 1000;
  for (const item of at("health").children) {
    const { state, words, age } = status.health[item.dataset.part];
    item.dataset.state = state;
    item.hidden = item.dataset.part === "scenes" && state === "good";
    item.title = `${NAMES[item.dataset.part]}: ${words}`;
    fill(item, el("b", {}, NAMES[item.dataset.part]), " ", el("span", {}, words),
      age !== null && el("span", { className: "age" }, ` · ${lasting(age + since)} ago`));
  }
}

export function setUpStatus() {
  setInterval(ages, 1000);
  setInterval(() => {
    if (!document.hidden) refresh().catch(() => {}); // the news tell when there is no connection
  }, EVERY);
  return refresh();
}
