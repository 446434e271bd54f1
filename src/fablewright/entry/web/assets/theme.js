// Before the first paint: the colours that this browser was told to use, if it was told.
const told = localStorage.getItem("fablewright.theme");
if (told === "dark" || told === "light") document.documentElement.dataset.theme = told;
