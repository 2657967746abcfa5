const AT_ONCE = 60; // cards that are added whenever the end of the list comes near
const records = content;
const fields = ["search", "label", "status", "confidence", "sort"];
const defaults = { search: "", label: "", status: "", confidence: "0", sort: "" };
for (const record of records) {
  record.text = [record.video, ...record.labels.map(([name]) => name), ...record.warnings, ...(record.error ?? [])].join("\n").toLowerCase();
  record.confidence = record.labels.length ? record.labels[0][1] : -1;
}

function bar(tag, share, left, right) {
  const row = element(tag, "row");
  const fill = element("i");
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  row.append(fill, element("span", "", left), element("span", "", right));
  return row;
}

function card(record) {
  const item = element("li", record.error ? "card failed" : "card");
  item.tabIndex = 0;
  item.append(element("h3", "", record.video));
  if (record.strip) {
    const image = element("img");
    image.src = record.strip;
    image.alt = "frames that the model saw";
    image.width = 360;
    image.height = 72;
    item.append(image);
  }
  for (const [name, probability] of record.labels)
    item.append(bar("div", probability, name, `${percent(probability)} %`));
  if (record.warnings.length) {
    const warned = element("details", "warned");
    const count = record.warnings.length;
    warned.append(element("summary", "badge", count === 1 ? "1 warning" : `${count} warnings`));
    for (const warning of record.warnings) warned.append(element("p", "reason", warning));
    item.append(warned);
  }
  if (record.error) {
    const reason = element("p", "reason");
    reason.append(element("span", "kind", record.error[0]), `: ${record.error[1]}`);
    item.append(reason);
  }
  item.append(element("p", "", record.frames ? `${record.model} · ${record.frames} frames` : record.model));
  return item;
}

function counted(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function choices(list, counts, field) {
  const most = counts.length ? counts[0][1] : 1;
  for (const [name, count] of counts) {
    const button = bar("button", count / most, name, String(count));
    button.type = "button";
    button.dataset.value = name;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      find(field).value = find(field).value === name ? "" : name;
      refresh();
    });
    const item = element("li");
    item.append(button);
    list.append(item);
  }
}

let shown = [];
let numShown = 0;
function addCards() {
  find("cards").append(...shown.slice(numShown, numShown + AT_ONCE).map(card));
  numShown = Math.min(numShown + AT_ONCE, shown.length);
}

function refresh() {
  const words = searched();
  const label = find("label").value;
  const status = find("status").value;
  const least = Number(find("confidence").value) / 100;
  find("at-least").textContent = `${find("confidence").value} %`;
  shown = records.filter(
    (record) =>
      words.every((word) => record.text.includes(word)) &&
      (!label || (record.labels.length > 0 && record.labels[0][0] === label)) &&
      (!status || (status === "warned" ? record.warnings.length > 0 : (status === "failed") === Boolean(record.error))) &&
      (least === 0 || record.confidence >= least),
  );
  const order = {
    name: (a, b) => (a.video < b.video ? -1 : a.video > b.video ? 1 : 0),
    high: (a, b) => b.confidence - a.confidence,
    low: (a, b) => (a.confidence < 0) - (b.confidence < 0) || a.confidence - b.confidence,
  }[find("sort").value];
  if (order) shown.sort(order);
  numShown = 0;
  find("cards").replaceChildren();
  addCards();
  find("count").textContent = `${shown.length} of ${records.length} videos`;
  for (const button of document.querySelectorAll("#histogram button"))
    button.setAttribute("aria-pressed", String(button.dataset.value === label));
  for (const button of document.querySelectorAll("#kinds button"))
    button.setAttribute("aria-pressed", String(button.dataset.value === find("search").value));
  const chosen = new URLSearchParams();
  for (const field of fields) if (find(field).value !== defaults[field]) chosen.set(field, find(field).value);
  history.replaceState(null, "", `#${chosen}`);
}

function fromAddress() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  for (const field of fields) find(field).value = chosen.get(field) ?? defaults[field];
  refresh();
}

const labels = counted(records.filter((record) => record.labels.length).map((record) => record.labels[0][0]));
const kinds = counted(records.filter((record) => record.error).map((record) => record.error[0]));
for (const [name, count] of labels) find("label").add(new Option(`${name} (${count})`, name));
choices(find("histogram"), labels, "label");
choices(find("kinds"), kinds, "search");
find("failures").hidden = kinds.length === 0;
const numFailed = records.filter((record) => record.error).length;
const numWarned = records.filter((record) => record.warnings.length).length;
find("totals").textContent = `${records.length - numFailed} labelled, ${numFailed} failed${numWarned ? `, ${numWarned} with warnings` : ""}`;

let pending = 0;
find("filters").addEventListener("input", () => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(refresh);
});
find("filters").addEventListener("submit", (event) => event.preventDefault());
find("filters").addEventListener("reset", () => setTimeout(refresh));
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
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting) && numShown < shown.length) addCards();
}, { rootMargin: "1500px" }).observe(find("end"));
addEventListener("hashchange", fromAddress);
fromAddress();
