// The players: what they see now, a hand-out in the GM's own words, and the address that they open.
import { at, button, complain, el, fill, say } from "./dom.js";
import { ask } from "./api.js";
import { current, meant } from "./current.js";
import { open } from "./dialog.js";

async function show(text = "") {
  const words = el("textarea", { id: "handout", rows: 5, maxLength: 4000, "aria-label": "Hand-out", placeholder: "A letter, a rumour, a riddle …" });
  words.value = text.slice(0, words.maxLength);
  const now = el("div", { className: "now" });
  const link = el("p", { className: "row" });
  const put = async (order) => {
    const { shown } = await ask("PUT", "/api/v1/board", order);
    fill(now, seen(shown));
    say(shown.lines.length ? "The players see it now." : "The players see nothing now.");
  };
  const trouble = el("p", { className: "warning", role: "alert", hidden: true });
  const handout = (more) => put({ handout: words.value, ...(current.run ? { scene: meant() } : {}), ...more });
  const safely = (work) => async () => {
    trouble.hidden = true;
    anyway.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!error.isForPeople) throw error;
      trouble.hidden = false;
      trouble.textContent = error.message;
      anyway.hidden = error.status !== 409; // nobody could say whether it tells a secret: she may know
    }
  };
  const anyway = button("Show it unchecked", safely(() => handout({ unchecked: true })), { hidden: true });
  open("For the players", [
    el("h3", {}, "They see now"), now,
    el("p", { className: "row" }, button("Take it away", safely(() => put({})))),
    el("h3", {}, "A hand-out"), words, trouble,
    el("p", { className: "row" }, button("Show to players", safely(async () => {
      if (words.value.trim()) await handout({});
      else words.focus(); // without words it would be the scene's
    }), { className: "main" }), anyway),
    el("h3", {}, "Their page"), link,
  ]);
  const board = await ask("GET", "/api/v1/board");
  const address = new URL(board.link, location.href).href;
  fill(now, seen(board.shown));
  fill(link,
    el("input", { readOnly: true, value: address, "aria-label": "The players' address", onfocus: (event) => event.target.select() }),
    button("Copy", async () => {
      await navigator.clipboard.writeText(address);
      say("Copied.");
    }),
    el("a", { href: "/play", target: "_blank", rel: "noopener" }, "Look at it"));
}

function seen({ lines }) {
  if (!lines.length) return el("p", { className: "quiet" }, "Nothing.");
  return lines.map((line) => el("p", {}, line));
}

export function setUpPlayers() {
  at("players").addEventListener("click", () => show().catch(complain));
  document.addEventListener("handout", ({ detail }) => show(detail).catch(complain));
}
