const MOST_LABELS = 100; // in the histogram
const records = content.items;
const controls = ["search", "status", "confidence", "sort"];
const chosen = { label: "", kind: "" }; // by a click on a bar
const hasModels = new Set(records.map((record) => record.model)).size > 1;
for (const record of records) {
  record.text = [record.video, ...record.labels.map(([name]) => name), ...record.warnings, ...(record.error ?? [])].join("\n").toLowerCase();
  record.label = record.labels.length ? record.labels[0][0] : "";
  record.kind = record.error ? record.error[0] : "";
  record.confidence = record.labels.length ? record.labels[0][1] : -1;
  record.isWarned = record.warnings.length > 0;
}
// Names and status of the records on all pages, by page.
const pages = (content.index?.pages ?? []).map((page) => page.map(([video, labels, confidence, kind, isWarned]) => {
  const names = labels.map((place) => content.index.names[place]);
  const failure = content.index.names[kind] ?? "";
  return { text: [video, ...names, failure].join("\n").toLowerCase(), label: names[0] ?? "", kind: failure, confidence, isWarned };
}));

function card(record) {
  const item = element("li", record.error ? "card failed" : "card");
  item.tabIndex = 0;
  item.append(element("h2", "", record.video), frames(record.video, record.strip, record.file));
  for (const [name, probability] of record.labels)
    item.append(bar("div", probability, name, `${percent(probability)} %`));
  if (record.warnings.length) {
    const warned = element("details", "warned");
    warned.append(element("summary", "badge", counted(record.warnings.length, "warning")));
    for (const warning of record.warnings) warned.append(element("p", "reason", warning));
    item.append(warned);
  }
  if (record.error) {
    const reason = element("p", "reason");
    reason.append(element("span", "kind", record.kind), `: ${record.error[1]}`);
    item.append(reason);
  }
  const facts = [hasModels ? record.model : "", record.facts].filter(Boolean).join(" · ");
  if (facts) item.append(element("p", "", facts));
  return item;
}

// The filters except one: a histogram ignores the filter that it sets.
function matching(but, of = records) {
  const words = searched();
  const { label, kind } = chosen;
  const status = find("status").value;
  const least = Number(find("confidence").value) / 100;
  return of.filter(
    (record) =>
      words.every((word) => record.text.includes(word)) &&
      (!label || but === "label" || record.label === label) &&
      (!kind || but === "kind" || record.kind === kind) &&
      (!status || (status === "warned" ? Boolean(record.isWarned) : (status === "failed") === Boolean(record.kind))) &&
      (least === 0 || record.confidence >= least),
  );
}

function choices(list, field) {
  const counts = new Map(chosen[field] ? [[chosen[field], 0]] : []);
  for (const record of matching(field))
    if (record[field]) counts.set(record[field], (counts.get(record[field]) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const most = Math.max(1, ...counts.values());
  const shown = sorted.filter(([name], number) => number < MOST_LABELS || name === chosen[field]);
  const before = document.activeElement?.dataset?.value;
  list.replaceChildren(
    ...shown.map(([name, count]) => {
      const button = bar("button", count / most, name, whole(count));
      button.type = "button";
      button.dataset.value = `${field} ${name}`;
      button.setAttribute("aria-pressed", String(chosen[field] === name));
      button.addEventListener("click", () => {
        chosen[field] = chosen[field] === name ? "" : name;
        refresh();
      });
      const item = element("li");
      item.append(button);
      return item;
    }),
  );
  if (before?.startsWith(`${field} `)) // keep the keyboard focus
    [...list.querySelectorAll("button")].find((button) => button.dataset.value === before)?.focus();
  return [sorted.length, sorted.length - shown.length];
}

// The active filters, each with a button that removes it.
function showActive(numShown) {
  const texts = {
    search: (value) => `“${value}”`,
    status: () => find("status").selectedOptions[0].textContent,
    confidence: (value) => `at least ${value} %`,
    label: (value) => `label ${value}`,
    kind: (value) => `failure ${value}`,
  };
  const buttons = [];
  for (const [name, text] of Object.entries(texts)) {
    const value = chosen[name] ?? find(name).value;
    if (!value || value === "0") continue;
    const button = element("button", "", `${text(value)} ×`);
    button.type = "button";
    button.setAttribute("aria-label", `Remove the filter: ${text(value)}`);
    button.addEventListener("click", () => {
      if (name in chosen) chosen[name] = "";
      else find(name).value = name === "confidence" ? "0" : "";
      refresh();
    });
    buttons.push(button);
  }
  find("active").replaceChildren(...buttons);
  find("more").textContent = buttons.length ? `Filters (${buttons.length})` : "Filters";
  find("none").hidden = numShown > 0;
  const what = buttons.map((button) => button.textContent.slice(0, -2)).join(", ");
  find("none").querySelector("p").textContent = records.length ? `No video matches: ${what}.` : "There is no video in these records.";
  find("none").querySelector("button").hidden = !buttons.length;
}

const showCards = longList(find("cards"), card);

function refresh() {
  find("at-least").textContent = `${find("confidence").value} %`;
  const shown = matching();
  const order = {
    name: (a, b) => (a.video < b.video ? -1 : a.video > b.video ? 1 : 0),
    high: (a, b) => b.confidence - a.confidence,
    low: (a, b) => (a.confidence < 0) - (b.confidence < 0) || a.confidence - b.confidence,
  }[find("sort").value];
  if (order) shown.sort(order);
  showCards(shown);
  find("count").textContent = `${whole(shown.length)} of ${counted(records.length, "video")}${content.pages.length > 1 ? " on this page" : ""}`;
  showActive(shown.length);
  const [numLabels, numOthers] = choices(find("histogram"), "label");
  find("labels").hidden = numLabels === 0;
  find("others").textContent = numOthers ? `and ${whole(numOthers)} more: search for them` : "";
  const [numKinds] = choices(find("kinds"), "kind");
  find("failures").hidden = numKinds === 0;
  const address = new URLSearchParams();
  for (const name of controls) if (!["", "0"].includes(find(name).value)) address.set(name, find(name).value);
  for (const name in chosen) if (chosen[name]) address.set(name, chosen[name]);
  history.replaceState(null, "", `#${address}`);
  document.querySelectorAll("#pages a").forEach((link, at) => {
    link.hash = `${address}`;
    const isFiltered = pages.length && find("active").children.length;
    const found = at + 1 === content.page ? shown : isFiltered && matching("", pages[at]);
    link.textContent = `Page ${at + 1}${isFiltered ? ` (${whole(found.length)})` : ""}`;
  });
}

function fromAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  for (const name of controls) find(name).value = address.get(name) ?? (name === "confidence" ? "0" : "");
  for (const name in chosen) chosen[name] = address.get(name) ?? "";
  refresh();
}

function reset() {
  for (const name in chosen) chosen[name] = "";
  setTimeout(refresh); // after the form's controls are reset
}

if (content.pages.length > 1) {
  find("pages").hidden = false;
  const last = content.first + records.length - 1;
  find("pages").append(`Videos ${whole(content.first)} to ${whole(last)} of ${whole(content.total)}; filters and histograms apply to this page${pages.length ? "; matches on other pages are counted by name, label and failure" : ""}.`);
  content.pages.forEach((address, at) => {
    const link = element("a", "", `Page ${at + 1}`);
    if (at + 1 === content.page) link.setAttribute("aria-current", "page");
    link.href = address;
    find("pages").append(link);
  });
}

let pending = 0;
find("filters").addEventListener("input", () => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(refresh);
});
find("filters").addEventListener("submit", (event) => event.preventDefault());
find("filters").addEventListener("reset", reset);
find("none").querySelector("button").addEventListener("click", () => find("filters").reset());
find("more").addEventListener("click", () => {
  const isOpen = find("filters").classList.toggle("open");
  find("more").setAttribute("aria-expanded", String(isOpen));
});
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  const isTyping = at instanceof HTMLInputElement || at instanceof HTMLSelectElement;
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    find("search").focus();
  } else if (event.key === "Escape" && at === find("search")) {
    find("search").value = "";
    refresh();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !(isTyping && at !== find("search"))) {
    const inList = at.classList.contains("card");
    const next = inList ? (event.key === "ArrowDown" ? at.nextElementSibling : at.previousElementSibling) : find("cards").firstElementChild;
    if (next && (inList || event.key === "ArrowDown") && (inList || at === find("search") || at === document.body)) {
      event.preventDefault();
      next.focus();
    }
  }
});
addEventListener("beforeprint", () => {
  for (const warned of document.querySelectorAll(".warned")) warned.open = true;
});
addEventListener("hashchange", fromAddress);
fromAddress();
