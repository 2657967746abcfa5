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
  const all = find("order").value === "chained" ? protocol.chained : content.labels.map((_, index) => index);
  order = all.filter((index) => occurring.has(index));
  if (find("order").value === "name") order.sort((a, b) => (content.labels[a] < content.labels[b] ? -1 : 1));
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
  const dark = isDark();
  const text = getComputedStyle(canvas).color;
  context.scale(ratio, ratio);
  context.font = "11px system-ui, sans-serif";
  const cell = (side - GUTTER) / view.span;
  context.fillStyle = dark ? "#101317" : "#fbfcfd";
  context.fillRect(GUTTER, GUTTER, side, side);
  context.save();
  context.beginPath();
  context.rect(GUTTER, GUTTER, side, side);
  context.clip();
  if (cell >= 9) {
    context.strokeStyle = dark ? "#343b44" : "#d5dae0";
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
    const [hue, light] = truth === predicted ? [212, dark ? 62 : 40] : [4, dark ? 66 : 44];
    context.fillStyle = `hsl(${hue} 78% ${light}% / ${strength})`;
    context.fillRect(x - (dot - cell) / 2, y - (dot - cell) / 2, dot, dot);
    if (cell >= 22) {
      context.fillStyle = strength > 0.6 ? (dark ? "#000" : "#fff") : text;
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
    context.fillText(shortened(context, content.labels[order[at]], GUTTER - 10), GUTTER - 6, y + 4);
  }
  for (let at = Math.ceil(view.x / step) * step; at < Math.min(view.x + view.span, order.length); at += step) {
    const x = GUTTER + (at + 0.5 - view.x) * cell;
    if (x < GUTTER || x > side) continue;
    context.save();
    context.translate(x + 4, GUTTER - 6);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(shortened(context, content.labels[order[at]], GUTTER - 10), 0, 0);
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
  const names = truth === predicted ? `${content.labels[truth]}, recognised` : `${content.labels[truth]} → ${content.labels[predicted]}`;
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
