// Dark or light: as the system says, until somebody says otherwise here.
import { at } from "./dom.js";

const system = matchMedia("(prefers-color-scheme: light)");
const now = () => document.documentElement.dataset.theme ?? (system.matches ? "light" : "dark");

function show() {
  at("theme").textContent = now() === "dark" ? "Light" : "Dark";
}

export function turnTheme() {
  const theme = now() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("fablewright.theme", theme);
  show();
}

export function setUpTheme() {
  at("theme").addEventListener("click", turnTheme);
  system.addEventListener("change", show);
  show();
}
