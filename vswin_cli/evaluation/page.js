"use strict";
const find = (id) => document.getElementById(id);
const report = JSON.parse(find("records").textContent);
const percent = (share) => (100 * share).toFixed(1);
let protocol = report.protocols[0];

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function fill(table, titles, rows, numeric) {
  const head = element("tr");
  const kind = (column) => (numeric.includes(column) ? "number" : "");
  titles.forEach((title, column) => {
    const cell = element("th", undefined, kind(column));
    cell.append(title);
    head.append(cell);
  });
  const made = rows.map(({ cells, open }) => {
    const row = element("tr");
    cells.forEach((text, column) => row.append(element("td", text, kind(column))));
    if (open) {
      row.className = "link";
      row.tabIndex = 0;
      row.addEventListener("click", open);
      row.addEventListener("keydown", (event) => event.key === "Enter" && open());
    }
    return row;
  });
  const thead = element("thead");
  const tbody = element("tbody");
  thead.append(head);
  tbody.append(...made);
  table.replaceChildren(thead, tbody);
}

function showFigures() {
  const interval = ([value, low, high]) => [percent(value), `${percent(low)} – ${percent(high)}`];
  const rows = report.protocols.map((each) => ({
    cells: [each.name, ...interval(each.top1), ...interval(each.top5), ...interval(each.meanClass), percent(each.ece)],
  }));
  if (report.published) {
    const [name, one, five] = report.published;
    rows.push({ cells: [`published: ${name}`, one.toFixed(1), "", five.toFixed(1), "", "", "", ""] });
  }
  const titles = ["protocol", "top-1", "95 %", "top-5", "95 %", "mean class", "95 %", "ECE"];
  fill(find("figures"), titles, rows, [1, 2, 3, 4, 5, 6, 7]);
}

// Curves

function drawing(width, height) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  const add = (tag, className, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    if (className) made.setAttribute("class", className);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    svg.append(made);
    return made;
  };
  const hint = (shape, text) => {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = text;
    shape.append(title);
  };
  return { svg, add, hint };
}

const LEFT = 48, RIGHT = 508, TOP = 14, BOTTOM = 272;

function axes(add, low, high, step) {
  for (let value = low; value <= high + 1e-9; value += step) {
    const y = BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP);
    add("line", "grid", { x1: LEFT, x2: RIGHT, y1: y, y2: y });
    add("text", "", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, `${Math.round(100 * value)}`);
  }
}

function showViews() {
  const firsts = protocol.views.filter(([name]) => !name.includes("×"));
  const centres = protocol.views.filter(([name]) => name.includes("×"));
  const least = Math.min(...protocol.views.map((each) => each[2][1]));
  const step = 1 - least > 0.5 ? 0.2 : 1 - least > 0.2 ? 0.1 : 0.05;
  const low = Math.max(0, 1 - Math.ceil((1 - least) / step - 1e-9) * step);
  const { svg, add, hint } = drawing(520, 310);
  svg.setAttribute("aria-label", "Accuracy by number of views");
  const most = Math.max(firsts.length, 2);
  const x = (count) => LEFT + 14 + ((count - 1) / (most - 1)) * (RIGHT - LEFT - 28);
  const y = (share) => BOTTOM - ((share - low) / (1 - low)) * (BOTTOM - TOP);
  axes(add, low, 1, step);
  for (const [name, count] of firsts)
    if (firsts.length <= 16 || count % Math.ceil(firsts.length / 12) === 0)
      add("text", "", { x: x(count), y: BOTTOM + 18, "text-anchor": "middle" }, name);
  add("text", "", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 34, "text-anchor": "middle" }, "views");
  for (const [kind, column, title] of [["five", 3, "top-5"], ["one", 2, "top-1"]]) {
    const above = firsts.map((each) => `${x(each[1])},${y(each[column][2])}`);
    const below = firsts.map((each) => `${x(each[1])},${y(Math.max(each[column][1], low))}`).reverse();
    add("polygon", `${kind} shade`, { points: [...above, ...below].join(" ") });
    add("polyline", `${kind} line`, { points: firsts.map((each) => `${x(each[1])},${y(each[column][0])}`).join(" ") });
    const tell = (each) => `${title} by ${each[0]} views: ${percent(each[column][0])} % (${percent(each[column][1])} – ${percent(each[column][2])})`;
    for (const each of firsts) hint(add("circle", kind, { cx: x(each[1]), cy: y(each[column][0]), r: 3.5 }), tell(each));
    for (const each of centres) {
      const [cx, cy] = [x(Math.min(each[1], most)), y(each[column][0])];
      hint(add("path", kind, { d: `M${cx},${cy - 6}l6,6l-6,6l-6,-6z` }), tell(each));
    }
    const corner = BOTTOM - (kind === "one" ? 10 : 28);
    add("circle", kind, { cx: RIGHT - 58, cy: corner - 4, r: 3.5 });
    add("text", "", { x: RIGHT - 48, y: corner }, title);
  }
  find("views").replaceChildren(svg);
}

function showReliability() {
  const { svg, add, hint } = drawing(520, 310);
  svg.setAttribute("aria-label", "Accuracy by confidence");
  const x = (share) => LEFT + share * (RIGHT - LEFT);
  const y = (share) => BOTTOM - share * (BOTTOM - TOP);
  axes(add, 0, 1, 0.2);
  for (let value = 0; value <= 1.001; value += 0.2)
    add("text", "", { x: x(value), y: BOTTOM + 18, "text-anchor": "middle" }, `${Math.round(100 * value)}`);
  add("text", "", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 34, "text-anchor": "middle" }, "confidence, %");
  const filled = protocol.bins.filter((bin) => bin[2] > 0);
  const most = Math.max(...filled.map((bin) => bin[2]));
  for (const [low, high, count, confidence, accuracy] of filled) {
    const text = `${count} answers at ${percent(low)} – ${percent(high)} %, on average ${percent(confidence)} %: ${percent(accuracy)} % right`;
    const height = (count / most) * 60;
    hint(add("rect", "bars", { x: x(low) + 1, y: BOTTOM - height, width: x(high) - x(low) - 2, height }), text);
  }
  add("line", "diagonal", { x1: x(0), y1: y(0), x2: x(1), y2: y(1) });
  add("polyline", "one line", { points: filled.map((bin) => `${x(bin[3])},${y(bin[4])}`).join(" ") });
  for (const [low, high, count, confidence, accuracy] of filled)
    hint(add("circle", "one", { cx: x(confidence), cy: y(accuracy), r: 4 }), `${count} answers: ${percent(accuracy)} % right at ${percent(confidence)} %`);
  find("reliability").replaceChildren(svg);
  find("ece").textContent = `Expected calibration error ${percent(protocol.ece)} %, in ${protocol.bins.length} bins of equal width; the bars are the number of answers.`;
}

// The matrix

const canvas = find("matrix");
const GUTTER = 150; // for names, in CSS pixels
let order = []; // class indices that occur, in the order shown
let place = new Map();
let sizes = new Map();
let view = { x: 0, y: 0, span: 1 }; // the classes shown

function arrange() {
  const accuracy = new Map(protocol.classes.map(([index, count, right]) => [index, right / count]));
  sizes = new Map(protocol.classes.map(([index, count]) => [index, count]));
  const occurring = new Set(protocol.cells.flatMap(([truth, predicted]) => [truth, predicted]));
  const all = find("order").value === "chained" ? protocol.chained : report.labels.map((_, index) => index);
  order = all.filter((index) => occurring.has(index));
  if (find("order").value === "name") order.sort((a, b) => (report.labels[a] < report.labels[b] ? -1 : 1));
  if (find("order").value === "accuracy") order.sort((a, b) => (accuracy.get(a) ?? 2) - (accuracy.get(b) ?? 2) || a - b);
  place = new Map(order.map((index, at) => [index, at]));
  view = { x: 0, y: 0, span: order.length };
  draw();
}

function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return `${text.slice(0, length)}…`;
}

function draw() {
  const side = canvas.clientWidth;
  const ratio = devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(side * ratio);
  const context = canvas.getContext("2d");
  const isDark = matchesDark();
  const text = getComputedStyle(canvas).color;
  context.scale(ratio, ratio);
  context.font = "11px system-ui, sans-serif";
  const cell = (side - GUTTER) / view.span;
  context.fillStyle = isDark ? "#101317" : "#fbfcfd";
  context.fillRect(GUTTER, GUTTER, side, side);
  context.save();
  context.beginPath();
  context.rect(GUTTER, GUTTER, side, side);
  context.clip();
  if (cell >= 9) {
    context.strokeStyle = isDark ? "#343b44" : "#d5dae0";
    context.lineWidth = 0.5;
    context.beginPath();
    for (let at = 0; at <= view.span + 1; at += 1) {
      const shift = GUTTER + (at - (view.x % 1)) * cell;
      const drop = GUTTER + (at - (view.y % 1)) * cell;
      context.moveTo(shift, GUTTER);
      context.lineTo(shift, side);
      context.moveTo(GUTTER, drop);
      context.lineTo(side, drop);
    }
    context.stroke();
  }
  const least = cell < 6 ? 0.35 : 0.15;
  const dot = Math.max(cell, 3); // a single mistake among 400 classes is to be seen
  for (const [truth, predicted, count] of protocol.cells) {
    const x = GUTTER + (place.get(predicted) - view.x) * cell;
    const y = GUTTER + (place.get(truth) - view.y) * cell;
    const strength = least + (1 - least) * Math.sqrt(count / sizes.get(truth));
    const [hue, light] = truth === predicted ? [212, isDark ? 62 : 40] : [4, isDark ? 66 : 44];
    context.fillStyle = `hsl(${hue} 78% ${light}% / ${strength})`;
    context.fillRect(x - (dot - cell) / 2, y - (dot - cell) / 2, dot, dot);
    if (cell >= 22) {
      context.fillStyle = strength > 0.6 ? (isDark ? "#000" : "#fff") : text;
      context.textAlign = "center";
      context.fillText(String(count), x + cell / 2, y + cell / 2 + 4);
    }
  }
  context.restore();
  const step = Math.max(1, Math.ceil(12 / cell));
  context.fillStyle = text;
  for (let at = Math.ceil(view.y / step) * step; at < Math.min(view.y + view.span, order.length); at += step) {
    const y = GUTTER + (at + 0.5 - view.y) * cell;
    if (y < GUTTER || y > side) continue;
    context.textAlign = "right";
    context.fillText(shortened(context, report.labels[order[at]], GUTTER - 10), GUTTER - 6, y + 4);
  }
  for (let at = Math.ceil(view.x / step) * step; at < Math.min(view.x + view.span, order.length); at += step) {
    const x = GUTTER + (at + 0.5 - view.x) * cell;
    if (x < GUTTER || x > side) continue;
    context.save();
    context.translate(x + 4, GUTTER - 6);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(shortened(context, report.labels[order[at]], GUTTER - 10), 0, 0);
    context.restore();
  }
}

function at(event) {
  const box = canvas.getBoundingClientRect();
  const cell = (box.width - GUTTER) / view.span;
  return [view.x + (event.clientX - box.left - GUTTER) / cell, view.y + (event.clientY - box.top - GUTTER) / cell];
}

function show(x, y, span) {
  const most = order.length;
  const kept = Math.min(Math.max(span, Math.min(4, most)), most);
  const bound = (start) => Math.min(Math.max(start, 0), most - kept);
  view = { x: bound(x), y: bound(y), span: kept };
  draw();
}

function zoom(factor, [x, y] = [view.x + view.span / 2, view.y + view.span / 2]) {
  const span = Math.min(Math.max(view.span * factor, Math.min(4, order.length)), order.length);
  const scale = span / view.span;
  show(x - (x - view.x) * scale, y - (y - view.y) * scale, span);
}

function tell(truth, predicted) {
  const cell = protocol.cells.find((each) => each[0] === truth && each[1] === predicted);
  const total = sizes.get(truth) ?? 0;
  const names = truth === predicted ? `${report.labels[truth]}, recognised` : `${report.labels[truth]} → ${report.labels[predicted]}`;
  const count = cell ? cell[2] : 0;
  find("cell").textContent = `${names}: ${count} of ${total}${total ? ` (${percent(count / total)} %)` : ""}`;
}

function openPair(truth, predicted) {
  const span = Math.min(16, order.length);
  show(place.get(predicted) + 0.5 - span / 2, place.get(truth) + 0.5 - span / 2, span);
  tell(truth, predicted);
  canvas.scrollIntoView({ block: "nearest" });
}

let dragged = null;
canvas.addEventListener("pointerdown", (event) => {
  dragged = at(event);
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointerup", () => (dragged = null));
canvas.addEventListener("pointermove", (event) => {
  const [x, y] = at(event);
  if (dragged) show(view.x + dragged[0] - x, view.y + dragged[1] - y, view.span);
  else if (x >= view.x && y >= view.y && x < order.length && y < order.length) tell(order[Math.floor(y)], order[Math.floor(x)]);
});
canvas.addEventListener("dblclick", (event) => zoom(0.5, at(event)));
canvas.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && document.activeElement !== canvas) return; // the page scrolls
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.8 : 1.25, at(event));
}, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const step = view.span / 8;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (moves[event.key]) show(view.x + moves[event.key][0], view.y + moves[event.key][1], view.span);
  else if (event.key === "+" || event.key === "=") zoom(0.5);
  else if (event.key === "-") zoom(2);
  else return;
  event.preventDefault();
});
find("in").addEventListener("click", () => zoom(0.5));
find("out").addEventListener("click", () => zoom(2));
find("whole").addEventListener("click", () => show(0, 0, order.length));
find("order").addEventListener("change", arrange);
addEventListener("resize", () => protocol && draw());

// Tables

function showPairs() {
  const rows = protocol.pairs.map(([truth, predicted, count, total]) => ({
    cells: [report.labels[truth], report.labels[predicted], String(count), percent(count / total)],
    open: () => openPair(truth, predicted),
  }));
  fill(find("pairs"), ["true", "taken for", "videos", "% of class"], rows, [2, 3]);
}

let sorting = { column: 2, down: false };
function showClasses() {
  const words = find("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = protocol.classes
    .filter(([index]) => words.every((word) => report.labels[index].toLowerCase().includes(word)))
    .map(([index, count, one, five, other]) => [report.labels[index], count, one / count, five / count, other === null ? "" : report.labels[other], index]);
  const { column, down } = sorting;
  rows.sort((a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : a[5] - b[5]) * (down ? -1 : 1));
  const titles = ["class", "videos", "top-1", "top-5", "mistaken for"].map((title, number) => {
    const button = element("button", number === column ? `${title} ${down ? "▼" : "▲"}` : title);
    button.type = "button";
    button.addEventListener("click", () => {
      sorting = { column: number, down: number === column ? !down : false };
      showClasses();
    });
    return button;
  });
  const shown = rows.map(([name, count, one, five, other, index]) => ({
    cells: [name, String(count), percent(one), percent(five), other],
    open: () => openPair(index, index),
  }));
  fill(find("classes"), titles, shown, [1, 2, 3]);
}

function list(id, total, shown, titles, rows, file) {
  const section = find(id);
  section.hidden = total === 0;
  const rest = shown < total ? `The first ${shown} of ${total}; ${file} has all.` : `${total}, also in ${file}.`;
  section.querySelector("p").textContent = rest;
  fill(section.querySelector("table"), titles, rows.map((cells) => ({ cells })), []);
}

function matchesDark() {
  const root = document.documentElement;
  return root.classList.contains("dark") || (!root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
}

function showProtocol() {
  protocol = report.protocols[Number(find("protocol").value)];
  showViews();
  showReliability();
  arrange();
  showPairs();
  showClasses();
}

const left = report.left ? `, ${report.left} not yet done` : "";
find("totals").textContent = `${report.model}: ${report.rows} rows, ${report.evaluated} videos evaluated, ${report.numFailed} failed, ${report.numUnmatched} rows not matched${left}`;
find("theme").addEventListener("click", () => {
  document.documentElement.className = matchesDark() ? "light" : "dark";
  if (protocol) draw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => protocol && draw());
list("failures", report.numFailed, report.failed.length, ["video", "class", "kind", "reason"],
  report.failed.map(([video, index, kind, message]) => [video, report.labels[index], kind, message]), "failed.csv");
list("unmatched", report.numUnmatched, report.unmatched.length, ["row", "video", "why", "reason"],
  report.unmatched.map(([row, ...rest]) => [String(row), ...rest]), "unmatched.csv");
if (protocol) {
  find("method").textContent = `${report.method}. ECE is the expected calibration error.`;
  report.protocols.forEach((each, number) => find("protocol").add(new Option(each.name, String(number))));
  find("choice").hidden = report.protocols.length < 2;
  find("protocol").addEventListener("change", showProtocol);
  find("search").addEventListener("input", showClasses);
  showFigures();
  showProtocol();
} else {
  for (const id of ["accuracy", "curves", "confusion", "tables"]) find(id).hidden = true;
  find("none").hidden = false;
}
