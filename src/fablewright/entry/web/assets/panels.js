// The tabs beside the scene: one is open, arrow keys go from one to the next, each is filled when it is looked at.
import { at, complain } from "./dom.js";
import { hear } from "./current.js";
import { setUpSources } from "./sources.js";
import { setUpBalance } from "./balance.js";
import { setUpCast } from "./cast.js";
import { setUpPrepared } from "./prepared.js";
import { setUpLog } from "./log.js";
import { setUpDice } from "./dice.js";

const NAMES = ["sources", "balance", "cast", "prepared", "log", "dice"];
const panels = {}; // by name: what fills it; it returns nothing, or a promise
const stale = new Set(NAMES);
let open = "sources";

/** Open a tab; with `focus` the keyboard goes there too. */
export function openTab(name, { focus = false } = {}) {
  open = name;
  for (const each of NAMES) {
    const tab = at(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    at(`panel-${each}`).hidden = each !== name;
  }
  if (focus) at(`tab-${name}`).focus();
  look();
}

/** Fill the open tab again if what it shows has changed; the others when they are opened. */
async function look() {
  if (!stale.has(open)) return;
  stale.delete(open);
  const name = open;
  try {
    await panels[name]();
  } catch (trouble) {
    stale.add(name);
    complain(trouble);
  }
}

function outdate(...names) {
  for (const name of names) stale.add(name);
  look();
}

export function setUpPanels() {
  Object.assign(panels, {
    sources: setUpSources(at("panel-sources")),
    balance: setUpBalance(at("panel-balance")),
    cast: setUpCast(at("panel-cast")),
    prepared: setUpPrepared(at("panel-prepared")),
    log: setUpLog(at("panel-log")),
    dice: setUpDice(at("panel-dice")),
  });
  stale.delete("sources"); // nothing was found yet
  for (const name of NAMES) {
    at(`tab-${name}`).addEventListener("click", () => {
      if (name === "prepared") stale.add(name); // another program may have prepared some
      openTab(name);
    });
  }
  document.querySelector(".tabs").addEventListener("keydown", (event) => {
    const here = NAMES.indexOf(open);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? NAMES.length - 1 : step ? (here + step + NAMES.length) % NAMES.length : -1;
    if (to < 0) return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere the arrows turn to other scenes
    openTab(NAMES[to], { focus: true });
  });
  hear("scene", () => outdate("sources", "balance", "cast"));
  hear("variant", () => outdate("balance", "cast", "sources"));
  hear("log", () => outdate("log", "cast", "prepared"));
  hear("prepared", () => outdate("prepared"));
  hear("answered", () => outdate("sources"));
}
