// The one dialog: it has a title, takes the focus, and gives it back.
import { at, el, fill } from "./dom.js";

/** Open the dialog with a title and what is in it; it replaces what it had. */
export function open(title, children) {
  const dialog = at("dialog");
  fill(dialog,
    el("header", {},
      el("h2", { id: "dialog-title" }, title),
      el("button", { type: "button", className: "close", "aria-label": "Close", onclick: () => dialog.close() }, "×")),
    el("div", { className: "inside" }, children));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

export const close = () => at("dialog").close();

/** A click beside the dialog closes it. */
export function setUpDialog() {
  at("dialog").addEventListener("click", (event) => {
    if (event.target === at("dialog")) close();
  });
}
