// The matrix: a canvas that stays in place while its container scrolls, so that swipes, wheels and
// arrow keys work as usual.

const canvas = find("matrix");
const scroller = find("scroller");
const LARGEST = 36, READABLE = 24, ZOOMED = 48; // largest size of a cell in pixels: unzoomed, readable, zoomed
const TITLE = 20; // pixels of an axis title
let order = []; // class indices that occur, in the order shown
let place = new Map();
let sizes = new Map();
let gutter = [0, 0]; // pixels for names and title, left and top
let unzoomed = 0; // pixels of a cell without zoom
let side = 0; // pixels of a cell at the current zoom
let chosen = null; // [true class, predicted class]; null for any

function arrange() {
  const accuracy = new Map(protocol.classes.map(([index, count, right]) => [index, right / count]));
  sizes = new Map(protocol.classes.map(([index, count]) => [index, count]));
  const occurring = new Set(protocol.cells.flatMap(([truth, predicted]) => [truth, predicted]));
  const all = find("order").value === "chained" ? protocol.chained : content.labels.map((_, index) => index);
  order = all.filter((index) => occurring.has(index));
  if (find("order").value === "name") order.sort((a, b) => (content.labels[a] < content.labels[b] ? -1 : 1));
  if (find("order").value === "accuracy") order.sort((a, b) => (accuracy.get(a) ?? 2) - (accuracy.get(b) ?? 2) || a - b);
  place = new Map(order.map((index, at) => [index, at]));
  side = unzoomed;
  fit();
}

// Use no more space than the classes need, or the screen has.
function fit() {
  const context = canvas.getContext("2d");
  context.font = "bold 12px system-ui, sans-serif";
  const section = scroller.parentElement;
  const style = getComputedStyle(section);
  const isAlone = getComputedStyle(find("confusion")).gridTemplateColumns.split(" ").length === 1;
  const inside = find("confusion").clientWidth - (isAlone ? 0 : 21 * 16) - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 2;
  const room = Math.max(240, Math.min(inside, Math.max(480, innerHeight * 0.9)));
  const longest = Math.max(...order.map((index) => context.measureText(content.labels[index]).width));
  gutter = [Math.min(longest, room * 0.36, 220), Math.min(longest, 220)].map((width) => Math.ceil(TITLE + 8 + width));
  const zoomed = side > unzoomed ? side : 0;
  unzoomed = Math.min(LARGEST, (room - gutter[0] - 1) / order.length);
  ["width", "height"].forEach((name, axis) => {
    scroller.style[name] = canvas.style[name] = `${Math.ceil(gutter[axis] + unzoomed * order.length + 1)}px`;
  });
  enlarge(zoomed);
}

function enlarge(pixels) {
  side = Math.min(Math.max(pixels, unzoomed), Math.max(ZOOMED, unzoomed));
  ["width", "height"].forEach((name, axis) => {
    find("extent").style[name] = `${Math.ceil(gutter[axis] + side * order.length + 1)}px`;
  });
  find("out").disabled = side <= unzoomed;
  find("in").disabled = side >= ZOOMED;
  draw();
}

function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return `${text.slice(0, length)}…`;
}

function draw() {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [parseFloat(canvas.style.width), parseFloat(canvas.style.height)];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const [text, faint, line, accent] = [style.color, ...["--faint", "--line", "--accent"].map(resolved)];
  const dark = isDark();
  const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
  const [gutterX, gutterY] = gutter;
  const x = (at) => gutterX + at * side - left;
  const y = (at) => gutterY + at * side - top;
  context.scale(ratio, ratio);
  context.save();
  context.beginPath();
  context.rect(gutterX, gutterY, width, height);
  context.clip();
  context.fillStyle = dark ? "#101317" : "#fbfcfd";
  context.fillRect(gutterX, gutterY, Math.min(width, order.length * side), Math.min(height, order.length * side));
  const [row, column] = chosen ? chosen.map((index) => place.get(index)) : [];
  context.fillStyle = resolved("--mark");
  const band = Math.max(side, 3);
  if (row !== undefined) context.fillRect(gutterX, y(row) - (band - side) / 2, order.length * side - left, band);
  if (column !== undefined) context.fillRect(x(column) - (band - side) / 2, gutterY, band, order.length * side - top);
  if (side >= 9) {
    context.strokeStyle = line;
    context.lineWidth = 0.5;
    context.beginPath();
    for (let at = 0; at <= order.length; at += 1) {
      context.moveTo(x(at), gutterY);
      context.lineTo(x(at), y(order.length));
      context.moveTo(gutterX, y(at));
      context.lineTo(x(order.length), y(at));
    }
    context.stroke();
  }
  const least = side < 6 ? 0.35 : 0.15;
  const dot = Math.max(side, 3); // a single mistake among 400 classes must be visible
  context.textAlign = "center";
  context.font = "12px system-ui, sans-serif";
  for (const [truth, predicted, count] of protocol.cells) {
    const [cellX, cellY] = [x(place.get(predicted)), y(place.get(truth))];
    if (cellX > width || cellY > height || cellX + dot < gutterX || cellY + dot < gutterY) continue;
    const strength = least + (1 - least) * Math.sqrt(count / sizes.get(truth));
    const [hue, light] = truth === predicted ? [212, dark ? 62 : 40] : [4, dark ? 66 : 44];
    context.fillStyle = `hsl(${hue} 78% ${light}% / ${strength})`;
    context.fillRect(cellX - (dot - side) / 2, cellY - (dot - side) / 2, dot, dot);
    if (side >= 14 && context.measureText(String(count)).width < side - 1) {
      const mixed = strength * light + (1 - strength) * (dark ? 8 : 98); // lightness, %
      context.fillStyle = mixed < 50 ? "#fff" : "#000";
      context.fillText(String(count), cellX + side / 2, cellY + side / 2 + 4);
    }
  }
  if (row !== undefined && column !== undefined) {
    context.strokeStyle = accent;
    context.lineWidth = 2;
    context.strokeRect(x(column) - (band - side) / 2, y(row) - (band - side) / 2, band, band);
  }
  context.restore();
  const names = (axis, end, find, isFound, write) => {
    const step = Math.max(1, Math.ceil(14 / side));
    for (let at = 0; at < order.length; at += 1) {
      const found = isFound(at);
      const isNear = [row, column].some((each) => each !== undefined && each !== at && Math.abs(each - at) < step);
      if (!found && (at % step || (chosen && isNear))) continue; // the one found always has its name
      const middle = find(at + 0.5);
      if (middle < gutter[axis] || middle > end) continue;
      context.font = `${found ? "bold " : ""}12px system-ui, sans-serif`;
      context.fillStyle = found ? accent : text;
      write(middle + 4, shortened(context, content.labels[order[at]], gutter[1 - axis] - TITLE - 8));
    }
  };
  context.textAlign = "right";
  names(1, height, y, (at) => at === row, (middle, name) => context.fillText(name, gutterX - 6, middle));
  const upright = (across, down, write) => {
    context.save();
    context.translate(across, down);
    context.rotate(-Math.PI / 2);
    write();
    context.restore();
  };
  context.textAlign = "left";
  names(0, width, x, (at) => at === column, (middle, name) => upright(middle, gutterY - 6, () => context.fillText(name, 0, 0)));
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = faint;
  context.textAlign = "center";
  context.fillText("predicted class", (gutterX + Math.min(width, x(order.length))) / 2, 12);
  upright(12, (gutterY + Math.min(height, y(order.length))) / 2, () => context.fillText("true class", 0, 0));
}

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function cellAt(event) {
  const [x, y] = at(event);
  if (x < gutter[0] || y < gutter[1]) return null;
  const [column, row] = where([x, y]).map(Math.floor);
  return column < order.length && row < order.length ? [order[row], order[column]] : null;
}

// A position on the canvas, as a class number from the first.
const where = ([x, y]) => [(x + scroller.scrollLeft - gutter[0]) / side, (y + scroller.scrollTop - gutter[1]) / side];

function zoom(factor, point = [(gutter[0] + scroller.clientWidth) / 2, (gutter[1] + scroller.clientHeight) / 2]) {
  const [column, row] = where(point);
  enlarge(side * factor);
  scroller.scrollLeft = column * side - point[0] + gutter[0];
  scroller.scrollTop = row * side - point[1] + gutter[1];
}

function described([truth, predicted]) {
  const cell = protocol.cells.find((each) => each[0] === truth && each[1] === predicted);
  const total = sizes.get(truth) ?? 0;
  const count = cell ? cell[2] : 0;
  const names = truth === predicted ? `${content.labels[truth]}, right` : `${content.labels[truth]} → ${content.labels[predicted]}`;
  return `${names}: ${whole(count)} of ${whole(total)}${total ? ` (${percent(count / total)} %)` : ""}`;
}

// Mark a cell, or a whole class if the predicted class is null, and show its videos.
function choose(truth, predicted, { isFar = false } = {}) {
  chosen = truth === null ? null : [truth, predicted];
  find("cell").textContent = chosen ? (predicted === null ? content.labels[truth] : described(chosen)) : "";
  if (isFar) {
    if (side < READABLE / 2) enlarge(READABLE);
    const centre = (index, size, axis) => place.get(index) * side - (size - gutter[axis] - side) / 2;
    scroller.scrollLeft = centre(predicted ?? truth, scroller.clientWidth, 0);
    scroller.scrollTop = centre(truth, scroller.clientHeight, 1);
  }
  draw();
  showVideos();
  markRows();
}

let dragged = null; // [pointer, scroll] where a mouse went down; fingers scroll by themselves
let wasDragged = false;
canvas.addEventListener("pointerdown", (event) => {
  wasDragged = false;
  if (event.pointerType !== "mouse" || event.button) return;
  dragged = [event.clientX + scroller.scrollLeft, event.clientY + scroller.scrollTop];
  canvas.setPointerCapture(event.pointerId);
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (dragged = null));
canvas.addEventListener("pointermove", (event) => {
  if (!dragged) {
    const cell = cellAt(event);
    if (cell) find("cell").textContent = described(cell);
    return;
  }
  const before = [scroller.scrollLeft, scroller.scrollTop];
  scroller.scrollTo(dragged[0] - event.clientX, dragged[1] - event.clientY);
  wasDragged ||= before[0] !== scroller.scrollLeft || before[1] !== scroller.scrollTop;
});
canvas.addEventListener("click", (event) => {
  const cell = cellAt(event);
  if (cell && !wasDragged) choose(...cell);
});
canvas.addEventListener("dblclick", (event) => zoom(2, at(event)));
scroller.addEventListener("wheel", (event) => {
  if (!event.ctrlKey) return; // a normal scroll
  event.preventDefault();
  zoom(event.deltaY < 0 ? 1.25 : 0.8, at(event));
}, { passive: false });
scroller.addEventListener("keydown", (event) => {
  if (event.key === "+" || event.key === "=") zoom(2);
  else if (event.key === "-") zoom(0.5);
  else return;
  event.preventDefault();
});
scroller.addEventListener("scroll", () => requestAnimationFrame(draw));
find("in").addEventListener("click", () => zoom(2));
find("out").addEventListener("click", () => zoom(0.5));
find("reset").addEventListener("click", () => {
  enlarge(unzoomed);
  choose(null);
});
find("order").addEventListener("change", arrange);
