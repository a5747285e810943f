// What the admin page gains by a script: times in the reader's zone, checks of what is typed, ticking many, and
// suggestions that come later. Everything works without it.
"use strict";

const root = document.body.dataset.root;

// Times, with the exact instant in the title.
const zone = new Intl.DateTimeFormat(undefined, {dateStyle: "full", timeStyle: "long"});
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  if (isNaN(at)) continue;
  const recent = Date.now() - at < 12 * 3600e3;
  time.title = zone.format(at) + " (" + time.title + ")";
  time.textContent = recent
    ? at.toLocaleTimeString(undefined, {hour: "2-digit", minute: "2-digit"})
    : at.getFullYear() + "-" + String(at.getMonth() + 1).padStart(2, "0") + "-" + String(at.getDate()).padStart(2, "0");
}

function element(name, text, kind) {
  const e = document.createElement(name);
  if (text) e.textContent = text;
  if (kind) e.className = kind;
  return e;
}

// What is to be said of a row while it is typed: the server's words.
const edit = document.querySelector("form[data-check]");
if (edit) {
  const verdict = document.getElementById("verdict");
  let timer, asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(edit)) if (["path", "status", "source", "drop", "tags", "note"].includes(name)) query.append(name, value);
    if (!query.get("path")) return;
    let said;
    try {
      const answer = await fetch(edit.dataset.check + "?" + query, {headers: {Accept: "application/json"}});
      if (!answer.ok) return;
      said = await answer.json();
    } catch { return; }
    if (mine !== asked) return; // something else was typed meanwhile
    const parts = [];
    if (said.refused) parts.push(element("p", said.refused, "problem"));
    else if (said.faults.length === 0) parts.push(element("p", "Nothing is to be said against it.", "fine"));
    else {
      const list = element("ul", "", "faults");
      for (const f of said.faults) {
        const item = element("li");
        item.append(element("span", f.name, "fault"), " " + f.detail);
        list.append(item);
      }
      parts.push(list);
    }
    verdict.replaceChildren(...parts);
    const source = edit.elements.source, path = edit.elements.path;
    source.setAttribute("aria-invalid", String(Boolean(said.refused) && said.field !== "path"));
    if (path.type !== "hidden") path.setAttribute("aria-invalid", String(Boolean(said.refused) && said.field === "path"));
  };
  edit.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  });
}

// Ticking all on a screen.
const all = document.getElementById("all");
if (all) {
  all.parentElement.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("#misses input[name=path]")) box.checked = all.checked;
  });
}
// Enter in a target redirects that path, not the first one.
for (const input of document.querySelectorAll("input.target")) {
  input.addEventListener("keydown", (e) => {
    if (e.key !== "Enter") return;
    e.preventDefault();
    input.closest("tr").querySelector("button[name=map]").click();
  });
}
// Choosing an operation by filling in what belongs to it.
for (const op of document.querySelectorAll(".op")) {
  op.addEventListener("input", (e) => { if (e.target.type !== "radio") op.querySelector("input[type=radio]").checked = true; });
}

// Suggestions that are still looked for.
async function near(paths, tries) {
  if (paths.length === 0 || tries === 0) return;
  await new Promise((done) => setTimeout(done, 1500));
  let list;
  try {
    const answer = await fetch(root + "near?" + new URLSearchParams(paths.map((p) => ["path", p])));
    if (!answer.ok) return;
    list = await answer.json();
  } catch { return; }
  const later = [];
  for (const s of list) {
    if (s.pending) { later.push(s.path); continue; }
    for (const place of document.querySelectorAll("[data-near]")) if (place.dataset.near === s.path) show(place, s.suggestions);
  }
  if (later.length === 0) for (const wait of document.querySelectorAll("[data-wait]")) wait.remove();
  near(later, tries - 1);
}
function show(place, suggestions) {
  if (place.tagName === "TR") {
    const input = place.querySelector("input.target"), reason = place.querySelector(".reason");
    if (input && input.value === "" && suggestions.length > 0) input.value = suggestions[0].url;
    reason.textContent = suggestions.length > 0 ? (input ? "" : suggestions[0].url + " ") + suggestions[0].reason : "nothing is like it";
    return;
  }
  // The page Ask is drawn by the server.
  if (suggestions.length > place.querySelectorAll("li").length) location.reload();
  else if (suggestions.length === 0) place.replaceChildren(element("p", "Nothing is like it.", "empty"));
}
const pending = document.querySelector("[data-pending]");
if (pending) near([...document.querySelectorAll("[data-near]")].map((p) => p.dataset.near).slice(0, 200), 40);
