// The GM's page: everything is put together here, and what comes by itself is heard.
import { at, button, complain, el, fill, lasting, say } from "./dom.js";
import { ask, follow } from "./api.js";
import { isGoing, setUpAsking, takeUp, takeUpAgain } from "./ask.js";
import { current, hear, tell } from "./current.js";
import { setUpDialog } from "./dialog.js";
import { setUpKeys } from "./keys.js";
import { setUpPanels } from "./panels.js";
import { setUpPlayers } from "./board.js";
import { setUpScene } from "./scene.js";
import { setUpSetup } from "./setup.js";
import { refresh, setUpStatus } from "./status.js";
import { setUpCampaigns } from "./campaigns.js";
import { setUpTheme } from "./colours.js";

let hiding; // when the words about the connection go away again

function connection(words, { goesAway = false } = {}) {
  clearTimeout(hiding);
  const shown = at("connection");
  shown.hidden = false;
  if (shown.textContent !== words) shown.textContent = words;
  if (goesAway) hiding = setTimeout(() => { shown.hidden = true; }, 6000);
}

function arrived({ run, answer }) {
  const banner = at("arrived");
  const away = () => { banner.hidden = true; };
  banner.hidden = false;
  fill(banner,
    el("span", {}, "Your notes have arrived: the grounded version is ready. "),
    button("Show it", () => {
      away();
      Object.assign(current, { run, answer, variant: 0 });
      current.locked.clear();
      tell("scene");
      say(`Scene, with your notes: ${answer.scene.title.text}`);
      at("scene").focus();
    }, { className: "main" }),
    button("Keep this one", away));
}

const news = {
  grounded: arrived,
  log: () => {
    tell("log");
    refresh().catch(complain);
  },
  notes: ({ file, outcome, remark }) => {
    if (outcome === "skipped") say(`Skipped ${file}: ${remark}`);
    tell("notes", { file, outcome, remark });
  },
  prepared: ({ words }) => {
    say(`Under Prepared: ${words}`);
    tell("prepared");
    connection(`What you asked for is ready under Prepared: ${words}`, { goesAway: true });
  },
  setup: () => {
    refresh().catch(complain);
    tell("log"); // and with it what is prepared
  },
  bye: () => connection("The server has been stopped. What you see stays; this page takes it up again when it is back."),
};

async function start() {
  setUpTheme();
  setUpDialog();
  setUpAsking();
  setUpScene();
  setUpPanels();
  setUpPlayers();
  setUpCampaigns();
  setUpSetup();
  setUpKeys();
  hear("ended", () => refresh().catch(() => {}));
  const { news: last, latest } = await setUpStatus();
  follow("/api/v1/news/events", news, {
    after: last,
    lost: (seconds) => connection(`No connection to the server for ${lasting(seconds)}. What you see stays; this page tries again by itself.`),
    back: async (seconds) => {
      connection(`The server is back, after ${lasting(seconds)}.`, { goesAway: true });
      await refresh().catch(() => {});
      await takeUpAgain().catch(() => {}); // it is not there any more: what there was of it stays
      if (current.run) await ask("GET", `/api/v1/runs/${current.run}`).catch(({ status: said }) => { if (said === 404) current.run = ""; });
      tell("log");
    },
  });
  const before = latest && await ask("GET", `/api/v1/runs/${latest}`);
  if (before && !isGoing() && !current.answer) takeUp(before); // she may have asked for something meanwhile
}

start().catch(complain).finally(() => at("scene").removeAttribute("aria-busy"));

