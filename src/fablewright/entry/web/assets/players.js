// The players' page: what the game master shows, and nothing else.
import { at, el, fill, lasting } from "./dom.js";
import { follow } from "./api.js";

follow("/play/events", {
  board({ lines }) {
    fill(at("lines"), lines.length
      ? lines.map((line) => el("p", {}, line))
      : el("p", { className: "quiet" }, "Your game master will show you something here."));
  },
}, {
  lost(seconds) {
    at("connection").hidden = false;
    at("connection").textContent = `The table cannot be reached for ${lasting(seconds)}; this page tries again by itself.`;
  },
  back() {
    at("connection").hidden = true;
  },
});
