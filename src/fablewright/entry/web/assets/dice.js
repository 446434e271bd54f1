// Dice: rolled by the server, as everywhere; the latest stands on top.
import { button, complain, el, fill } from "./dom.js";
import { ask } from "./api.js";

const MOST = 30;

export function setUpDice(panel) {
  const dice = el("input", { id: "dice", placeholder: "2d6+3", "aria-label": "Dice", maxLength: 80 });
  const rolled = el("ol", { className: "rolls", "aria-live": "polite", "aria-label": "Rolls" });
  const rolling = el("form", {
    className: "row",
    onsubmit: (event) => {
      event.preventDefault();
      roll(dice.value.trim() || "d20").catch(complain);
    },
  }, dice, el("button", { type: "submit" }, "Roll"));
  fill(panel, rolling,
    el("p", { className: "row dice" }, ["d4", "d6", "d8", "d10", "d12", "d20", "d100"].map((die) => button(die, () => roll(die))),
      button("advantage", () => roll("2d20kh1")), button("disadvantage", () => roll("2d20kl1"))),
    rolled);

  async function roll(what) {
    const answer = await ask("POST", "/api/v1/answers", { words: `roll ${what}`, want: "dice" });
    const words = [...answer.answer.map((each) => each.text), ...answer.missing].join(" ");
    rolled.prepend(el("li", {}, words));
    while (rolled.childElementCount > MOST) rolled.lastChild.remove();
  }

  return () => {};
}
