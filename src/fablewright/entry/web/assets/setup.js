// Set-up without a terminal: notes dropped on the page, the party and its rules, a model and whether it answers.
import { at, button, complain, el, lasting, say } from "./dom.js";
import { ask } from "./api.js";
import { begin } from "./ask.js";
import { current, hear, tell } from "./current.js";
import { open } from "./dialog.js";
import { refresh } from "./status.js";

const NOTES = /\.(md|markdown|txt|pdf|docx|html?|epub|json)$/i;

async function show() {
  const now = await ask("GET", "/api/v1/setup");
  const trouble = el("p", { className: "warning", role: "alert", hidden: true });
  const done = el("p", { className: "quiet", role: "status" });
  const change = async (choice, words) => {
    trouble.hidden = true;
    try {
      await ask("PUT", "/api/v1/setup", choice);
      done.textContent = words;
      await refresh();
      tell("log");
    } catch (error) {
      if (!error.isForPeople) throw error;
      trouble.hidden = false;
      trouble.textContent = error.message;
    }
  };
  const party = el("input", { value: now.party, maxLength: 80, size: 12, "aria-label": "Party", title: "4x2 is four level-2 characters" });
  const rules = el("select", { "aria-label": "Rules" }, ["2024", "2014"].map((year) => el("option", { value: year, selected: year === now.rules }, year)));
  const model = el("input", { value: now.model, placeholder: "such as llama3.2", maxLength: 200, "aria-label": "Model" });
  const url = el("input", { value: now.model_url, placeholder: "http://127.0.0.1:11434/v1", maxLength: 500, "aria-label": "Where it is" });
  const key = el("input", { type: "password", name: "key", placeholder: now.has_model_key ? "there is one" : "none", autocomplete: "off", maxLength: 500, "aria-label": "Key" });
  const off = el("input", { type: "checkbox", checked: now.prose === "off" });
  open("Set-up", [
    trouble, done,
    el("h3", {}, "Your notes"),
    el("p", { className: "quiet" }, `Now: ${now.notes}.`),
    dropping(change),
    !now.is_sample && el("p", { className: "row" }, button("Play the sample campaign instead", () => change({ folders: [] }, "The sample campaign is open."))),
    el("h3", {}, "The party"),
    el("p", { className: "row" }, el("label", {}, "Who plays ", party), el("label", {}, "Rules ", rules),
      button("Use them", () => change({ party: party.value, rules: rules.value }, "The party and its rules hold from now on."))),
    el("h3", {}, "A model, if you like"),
    el("p", { className: "quiet" }, "Without one, scenes are in your notes' own words. A model writes prose around them; it never decides what is so."),
    el("p", { className: "row" }, el("label", {}, "Model ", model), el("label", {}, "Address ", url), el("label", {}, "Key ", key)),
    el("p", { className: "row" },
      button("Use and test it", async () => {
        await change({ model: model.value.trim(), model_url: url.value.trim(), prose: "auto", ...(key.value ? { model_key: key.value } : {}) }, "Asking it for a scene …");
        if (trouble.hidden) await test(done);
      }, { className: "main" }),
      el("label", {}, off, " no model"),
      button("Save that", () => change({ prose: off.checked ? "off" : "auto" }, off.checked ? "No model is asked." : "A model is asked where there is one."))),
    el("p", {}, el("a", { href: "/system" }, "How the server is doing")),
  ]);
}

/** Have a scene written, and say how long the model took; the scene is there on the page. */
async function test(done) {
  const began = performance.now();
  await begin({ words: current.words || "Generate scenario for the first encounter", want: "scene" });
  await new Promise((resolve) => {
    hear("ended", resolve, { once: true });
  });
  const took = lasting((performance.now() - began) / 1000);
  const { health } = await refresh();
  done.textContent = health.model.state === "good"
    ? `It answers: prose after ${took}.`
    : current.answer?.missing.at(-1) ?? `Nothing came of it: ${health.model.words}.`;
  say(done.textContent);
}

// ---------------------------------------------------------------- files

function dropping(change) {
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Notes" });
  const says = el("p", { className: "quiet", role: "status" }, "Text, Markdown, PDF, Word, EPUB, HTML or game JSON.");
  const send = (files) => sent(files, bar, says, change).catch(complain);
  const folder = el("input", { type: "file", className: "hidden", tabIndex: -1, "aria-hidden": "true", multiple: true, onchange: () => send(chosen(folder)) });
  folder.webkitdirectory = true;
  const files = el("input", { type: "file", className: "hidden", tabIndex: -1, "aria-hidden": "true", multiple: true, onchange: () => send(chosen(files)) });
  const area = el("div", {
    className: "drop",
    ondragover: (event) => {
      event.preventDefault();
      area.classList.add("over");
    },
    ondragleave: () => area.classList.remove("over"),
    ondrop: (event) => {
      event.preventDefault();
      area.classList.remove("over");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
      Promise.all(entries.map((entry) => within(entry, ""))).then((found) => send(found.flat()));
    },
  }, el("p", {}, "Drop a folder or files here, or "),
  el("p", { className: "row" }, button("choose a folder", () => folder.click()), button("choose files", () => files.click())),
  bar, says, folder, files);
  return area;
}

const chosen = (input) => [...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));

/** Return the files in what was dropped, with their names from there. */
async function within(entry, path) {
  const name = path + entry.name;
  if (entry.isFile) return [{ name, file: await new Promise((resolve, reject) => { entry.file(resolve, reject); }) }];
  const reader = entry.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) break;
    all.push(...some);
  }
  return (await Promise.all(all.map((each) => within(each, `${name}/`)))).flat();
}

async function sent(all, bar, says, change) {
  const files = all.filter(({ name }) => NOTES.test(name) && !name.split("/").some((part) => part.startsWith(".")));
  if (!files.length) {
    says.textContent = "There is nothing among them that can be read as notes.";
    return;
  }
  bar.hidden = false;
  bar.max = files.length;
  const refused = [];
  const { id } = await ask("POST", "/api/v1/uploads", {});
  for (const [done, { name, file }] of files.entries()) {
    bar.value = done;
    says.textContent = `Sending ${done + 1} of ${files.length}: ${name}`;
    const path = name.split("/").map(encodeURIComponent).join("/");
    await ask("PUT", `/api/v1/uploads/${id}/${path}`, file).catch((trouble) => {
      if (!trouble.status) throw trouble;
      refused.push(`${name}: ${trouble.message}`);
    });
  }
  bar.value = files.length;
  await reading(id, files.length - refused.length, bar, says, change);
  if (refused.length) says.textContent += ` Not taken: ${refused.join(" ")}`;
}

/** Open the notes that were sent, and follow how they are read. */
async function reading(id, count, bar, says, change) {
  bar.max = count;
  bar.value = 0;
  let read = 0;
  let isOpen = true;
  hear("notes", ({ file }) => {
    if (!isOpen) return;
    read += 1;
    bar.value = read;
    says.textContent = `Reading ${read} of ${count}: ${file}`;
  });
  await change({ upload: id }, "Your notes are open.");
  for (let tries = 0; tries < 600 && read < count; tries += 1) {
    const { health } = await refresh();
    if (health.notes.state !== "busy") break;
    await new Promise((resolve) => { setTimeout(resolve, 300); });
  }
  isOpen = false;
  bar.value = count;
  says.textContent = `${count} ${count === 1 ? "file is" : "files are"} read. Ask for a scene.`;
}

export function setUpSetup() {
  at("setup").addEventListener("click", () => show().catch(complain));
}

