"use strict";
(() => {
  const root = document.documentElement;
  const said = document.getElementById("said");
  root.classList.add("scripted");
  for (const tool of document.querySelectorAll(".tool")) tool.hidden = false;

  // Colours: as the system has them, light, dark. A page from a disk may have no storage.
  const theme = document.querySelector(".theme");
  const themes = { "": "as the system has them", light: "light", dark: "dark" };
  const kept = (value) => {
    try {
      if (value !== undefined) localStorage.setItem("harness-colours", value);
      return localStorage.getItem("harness-colours") || "";
    } catch {
      return value || "";
    }
  };
  const dress = (name) => {
    root.style.colorScheme = name;
    theme.dataset.name = name;
    theme.textContent = { "": "◐", light: "○", dark: "●" }[name];
    theme.title = `Colours: ${themes[name]}`;
    theme.setAttribute("aria-label", theme.title);
  };
  dress(kept() in themes ? kept() : "");
  theme.addEventListener("click", () => {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(theme.dataset.name) + 1) % names.length];
    kept(next);
    dress(next);
  });

  for (const section of document.querySelectorAll(".layers")) {
    const table = section.querySelector("table");
    const form = section.querySelector("form");
    const search = form.querySelector("[type=search]");
    const bodies = [...table.tBodies];

    const filter = () => {
      const status = form.querySelector(":checked").value;
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const body of bodies) {
        const { status: own, search: text } = body.dataset;
        body.hidden = (status && own !== status) || !words.every((word) => text.includes(word));
        shown += !body.hidden;
      }
      section.querySelector(".none").hidden = shown > 0;
      said.textContent = `${shown} of ${bodies.length} layers shown`;
    };
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    section.addEventListener("reveal", () => {
      form.reset();
      filter();
    });

    const figures = new Set(["number", "own", "units", "rms", "end"]);
    table.tHead.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const key = button.dataset.sort;
      const head = button.parentElement;
      const before = head.getAttribute("aria-sort");
      // The first click on an error puts the largest on top.
      const down = before ? before === "ascending" : figures.has(key) && key !== "number";
      for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = figures.has(key)
        ? (a, b) => a.dataset[key] - b.dataset[key]
        : (a, b) => a.dataset[key].localeCompare(b.dataset[key], "en", { numeric: true });
      bodies.sort((a, b) => (down ? -1 : 1) * compare(a, b) || a.dataset.number - b.dataset.number);
      table.append(...bodies);
    });
  }

  // A link to a layer opens it, whatever is filtered away at the moment.
  const open = () => {
    const name = location.hash.slice(1);
    let target = document.getElementById(name);
    try {
      target = target || document.getElementById(decodeURIComponent(name));
    } catch {
      return;
    }
    const body = target && target.closest(".layer");
    if (!body) return;
    if (body.hidden) body.closest(".layers").dispatchEvent(new Event("reveal"));
    const details = body.querySelector("details");
    details.open = true;
    body.scrollIntoView({ block: "start" });
    details.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.getAttribute("href") === location.hash) open();
  });
  if (location.hash) open();

  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = said.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      } catch {
        getSelection().selectAllChildren(button.previousElementSibling);
      }
    });
  }
})();
