// Campaigns: which is played, another one, a new one.
import { at, button, complain, el } from "./dom.js";
import { ask } from "./api.js";
import { tell } from "./current.js";
import { close, open } from "./dialog.js";
import { refresh } from "./status.js";

async function show() {
  const { current, campaigns } = await ask("GET", "/api/v1/campaigns");
  const name = el("input", { "aria-label": "The new campaign's name", maxLength: 80, placeholder: "Its name" });
  const trouble = el("p", { className: "warning", role: "alert", hidden: true });
  const use = async (order) => {
    try {
      await ask("POST", "/api/v1/campaigns", order);
      close();
      await refresh();
      tell("log");
    } catch (error) {
      if (!error.isForPeople) throw error;
      trouble.hidden = false;
      trouble.textContent = error.message;
    }
  };
  open("Campaigns", [
    el("p", { className: "quiet" }, "Each has a log of its own; what is in it steers the scenes."),
    el("ul", { className: "events" }, Object.entries(campaigns).map(([each, size]) => el("li", {},
      el("span", {}, each === current ? el("b", {}, each) : each, el("span", { className: "quiet" }, ` · ${size} ${size === 1 ? "entry" : "entries"}`)),
      each === current ? el("span", { className: "quiet" }, "played now") : button("Play it", () => use({ name: each }))))),
    el("form", {
      className: "row",
      onsubmit: (event) => {
        event.preventDefault();
        if (name.value.trim()) use({ name: name.value.trim(), new: true }).catch(complain);
      },
    }, name, el("button", { type: "submit" }, "Begin a new one")),
    trouble,
  ]);
}

export function setUpCampaigns() {
  at("campaign").addEventListener("click", () => show().catch(complain));
}

