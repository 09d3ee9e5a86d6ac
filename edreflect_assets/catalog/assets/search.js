"use strict";
// The search box: a combobox over an index that is made of assets/search-data.js when it is first used.
(() => {
  const form = document.querySelector("form.search");
  const input = document.getElementById("search");
  const list = document.getElementById("results");
  const status = document.getElementById("found");
  const root = document.body.dataset.root;
  const KINDS = { view: "View", column: "Column of", file: "File of" };
  const MOST = 12;
  let index = null;
  let active = -1;

  function made() {
    if (index) return index;
    index = new MiniSearch({
      fields: ["name", "text", "of"],
      storeFields: ["kind", "name", "of", "text", "href"],
      // a name is found whole, by its words, and by the words run together
      tokenize: (text) => {
        const words = text.split(/[^\p{L}\p{N}_]+/u).filter(Boolean);
        return words.flatMap((word) => (word.includes("_") ? [word, ...word.split("_").filter(Boolean)] : [word]));
      },
      // one or many of a thing are the same thing
      processTerm: (term) => term.toLowerCase().replace(/(?<=...)s$/, ""),
      searchOptions: {
        tokenize: (text) => text.split(/[^\p{L}\p{N}_]+/u).filter(Boolean),
        boost: { name: 6, of: 1.5 },
        boostDocument: (id, term, fields) => (fields && fields.kind === "view" ? 1.8 : 1),
        prefix: true,
        fuzzy: (term) => (term.length > 4 ? 0.25 : false),
        combineWith: "AND",
      },
    });
    index.addAll(window.CATALOG_DOCUMENTS);
    return index;
  }

  function results(query) {
    const wanted = query.trim().toLowerCase();
    // the more of a name the words are, the better: session finds sessions before sessions_waste
    const closeness = (name) => (name === wanted ? 10 : name.startsWith(wanted) ? 1 + (3 * wanted.length) / name.length : 1);
    const weight = ({ name, score }) => score * closeness(name.toLowerCase());
    return made().search(query).sort((one, other) => weight(other) - weight(one)).slice(0, MOST);
  }

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  }

  function option(result, number) {
    const item = element("li");
    item.id = `result-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const link = element("a");
    link.href = root + result.href;
    link.tabIndex = -1;
    link.append(element("b", "", result.name));
    const of = result.kind === "view" ? `View, ${result.of}` : `${KINDS[result.kind]} ${result.of}`;
    link.append(element("span", "of", of), element("span", "text", result.text));
    item.append(link);
    return item;
  }

  function show() {
    const query = input.value.trim();
    list.replaceChildren();
    active = -1;
    input.removeAttribute("aria-activedescendant");
    const found = query ? results(query) : [];
    list.append(...found.map(option));
    if (query && !found.length) list.append(element("li", "none", "Nothing is called so or tells of it."));
    open(Boolean(query));
    status.textContent = query ? `${found.length || "No"} result${found.length === 1 ? "" : "s"}` : "";
    if (found.length) select(0);
  }

  function open(is) {
    list.hidden = !is;
    input.setAttribute("aria-expanded", String(is));
  }

  function select(number) {
    const options = list.querySelectorAll("[role=option]");
    if (!options.length) return;
    options[active]?.setAttribute("aria-selected", "false");
    active = (number + options.length) % options.length;
    options[active].setAttribute("aria-selected", "true");
    options[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[active].id);
  }

  function follow() {
    const link = list.querySelector('[aria-selected="true"] a');
    if (!link) return;
    open(false);
    input.blur();
    location.href = link.href;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); follow(); });
  input.addEventListener("input", show);
  input.addEventListener("focus", () => { if (input.value.trim() && list.hidden) show(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show(); else select(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      open(false);
    }
  });
  list.addEventListener("click", () => open(false));
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) open(false); });
  // a click on a result must not take the focus, or the list would close before it
  list.addEventListener("mousedown", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
})();
