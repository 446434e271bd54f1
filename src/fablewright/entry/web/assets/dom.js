// Elements out of data. Text goes in as text and never as markup: the page's policy forbids that, and so do we.

/** Return an element; `with` are properties, `aria-*`, `data-*` and `on*` handlers; children are nodes or texts. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

/** Return what is there of children in lists of lists; so a child may be written as `condition && child`. */
const present = (children) => children.flat(Infinity).filter((child) => child || child === 0)
  .map((child) => (typeof child === "string" ? child.replace(TURNING, "") : child));

const TURNING = /[\u202a-\u202e\u2066-\u2069]/g; // what turns the direction of all text behind it, also of ours

/** Return a text as texts and `<code>` elements: what our own sentences have between backticks is to be typed. */
export const coded = (text) => text.split(/`([^`\n]+)`/).map((part, at) => (at % 2 ? el("code", {}, part) : part));

export const at = (id) => document.getElementById(id);

/** Put other children into an element; whoever had the focus there gets it back, by `data-key`. */
export function fill(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...present(children));
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Tell who listens; the same words twice are told once. */
export function say(words) {
  const region = at("say");
  if (region && region.textContent !== words) region.textContent = words;
}

/** Return seconds as people say them. */
export function lasting(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Return a button that does something slow: it cannot be pressed twice meanwhile, and says what went wrong. */
export function button(words, work, properties = {}) {
  const made = el("button", {
    type: "button",
    ...properties,
    onclick: async (event) => {
      if (made.getAttribute("aria-disabled") === "true") return;
      made.setAttribute("aria-disabled", "true");
      try {
        await work(event);
      } catch (trouble) {
        complain(trouble);
      } finally {
        made.removeAttribute("aria-disabled");
      }
    },
  }, words);
  return made;
}

/** Show what went wrong where the GM looks. */
export function complain(trouble) {
  if (!trouble.isForPeople) console.error(trouble);
  const words = trouble.isForPeople ? trouble.message : "Something went wrong on this page; load it again.";
  notice(words);
}

/** Show a sentence where the GM looks, and tell those who listen. */
export function notice(words) {
  document.dispatchEvent(new CustomEvent("notice", { detail: words }));
}
