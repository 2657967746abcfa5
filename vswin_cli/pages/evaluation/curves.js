// Curves

const NAMESPACE = "http://www.w3.org/2000/svg";

// A drawing as wide as its container, so that its text has the usual size.
function drawing(id, height, label) {
  const width = Math.min(Math.max(find(id).clientWidth, 240), 720);
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  find(id).replaceChildren(svg);
  const add = (tag, className, attributes, text) => {
    const made = document.createElementNS(NAMESPACE, tag);
    if (className) made.setAttribute("class", className);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    svg.append(made);
    return made;
  };
  const hint = (shape, text) => {
    const title = document.createElementNS(NAMESPACE, "title");
    title.textContent = text;
    shape.append(title);
  };
  const title = (text, x, y, isUpright) =>
    add("text", "", { x, y, "text-anchor": "middle", ...(isUpright ? { transform: `rotate(-90 ${x} ${y})` } : {}) }, text);
  return { add, hint, title, width };
}

const LEFT = 52, TOP = 14, BOTTOM = 262;

function axis(add, right, low, high, step) {
  for (let value = low; value <= high + 1e-9; value += step) {
    const y = BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP);
    add("line", "grid", { x1: LEFT, x2: right, y1: y, y2: y });
    add("text", "", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, `${Math.round(100 * value)}`);
  }
}

function showViews() {
  const firsts = protocol.views.filter(([name]) => !name.includes("×"));
  const centres = protocol.views.filter(([name]) => name.includes("×"));
  const least = Math.min(...protocol.views.map((each) => each[2][1]));
  const step = 1 - least > 0.5 ? 0.2 : 1 - least > 0.2 ? 0.1 : 0.05;
  const low = Math.max(0, 1 - Math.ceil((1 - least) / step - 1e-9) * step);
  const { add, hint, title, width } = drawing("views", 306, "Accuracy by number of views");
  const right = width - 12;
  const most = Math.max(firsts.length, 2);
  const x = (count) => LEFT + 14 + ((count - 1) / (most - 1)) * (right - LEFT - 28);
  const y = (share) => BOTTOM - ((share - low) / (1 - low)) * (BOTTOM - TOP);
  axis(add, right, low, 1, step);
  title("accuracy, %", 14, (TOP + BOTTOM) / 2, true);
  title("number of views", (LEFT + right) / 2, BOTTOM + 38);
  for (const [name, count] of firsts)
    if (firsts.length <= 16 || count % Math.ceil(firsts.length / 12) === 0) title(name, x(count), BOTTOM + 18);
  for (const [kind, column, name] of [["five", 3, "top-5"], ["one", 2, "top-1"]]) {
    const above = firsts.map((each) => `${x(each[1])},${y(each[column][2])}`);
    const below = firsts.map((each) => `${x(each[1])},${y(Math.max(each[column][1], low))}`).reverse();
    add("polygon", `${kind} shade`, { points: [...above, ...below].join(" ") });
    add("polyline", `${kind} line`, { points: firsts.map((each) => `${x(each[1])},${y(each[column][0])}`).join(" ") });
    const tell = (each) => `${name} by ${each[0]} views: ${percent(each[column][0])} % (${percent(each[column][1])} – ${percent(each[column][2])})`;
    for (const each of firsts) hint(add("circle", kind, { cx: x(each[1]), cy: y(each[column][0]), r: 3.5 }), tell(each));
    for (const each of centres) {
      const [cx, cy] = [x(Math.min(each[1], most)), y(each[column][0])];
      hint(add("path", kind, { d: `M${cx},${cy - 6}l6,6l-6,6l-6,-6z` }), tell(each));
    }
    const corner = BOTTOM - (kind === "one" ? 10 : 28);
    add("circle", kind, { cx: right - 58, cy: corner - 4, r: 3.5 });
    add("text", "", { x: right - 48, y: corner }, name);
  }
}

// Accuracy by confidence, and below it, on the same axis, the number of answers per point.
function showReliability() {
  const [upper, lower] = [BOTTOM + 30, BOTTOM + 92];
  const { add, hint, title, width } = drawing("reliability", lower + 40, "Accuracy by confidence, with the number of videos");
  const right = width - 12;
  const x = (share) => LEFT + share * (right - LEFT);
  const y = (share) => BOTTOM - share * (BOTTOM - TOP);
  axis(add, right, 0, 1, 0.2);
  for (let value = 0; value <= 1.001; value += 0.2) title(`${Math.round(100 * value)}`, x(value), lower + 16);
  title("accuracy, %", 14, (TOP + BOTTOM) / 2, true);
  title("videos", 14, (upper + lower) / 2, true);
  title("confidence, %", (LEFT + right) / 2, lower + 34);
  const filled = protocol.bins.filter((bin) => bin[2] > 0);
  const most = Math.max(...filled.map((bin) => bin[2]));
  add("line", "grid", { x1: LEFT, x2: right, y1: lower, y2: lower });
  add("line", "diagonal", { x1: x(0), y1: y(0), x2: x(1), y2: y(1) });
  add("polyline", "one line", { points: filled.map((bin) => `${x(bin[3])},${y(bin[4])}`).join(" ") });
  for (const [low, high, count, confidence, accuracy] of filled) {
    const text = `${counted(count, "video")} at ${percent(low)} – ${percent(high)} %, on average ${percent(confidence)} %: ${percent(accuracy)} % right`;
    const height = Math.max(1, (count / most) * (lower - upper));
    hint(add("rect", "bars", { x: x(low) + 1, y: lower - height, width: x(high) - x(low) - 2, height }), text);
    const [middle, digits] = [x((low + high) / 2), String(count)];
    const isUpright = digits.length * 7 > x(high) - x(low);
    const place = isUpright ? { x: middle + 4, y: lower - 3, transform: `rotate(-90 ${middle + 4} ${lower - 3})` } : { x: middle, y: lower - height - 3, "text-anchor": "middle" };
    add("text", "count", place, digits);
    hint(add("circle", "one", { cx: x(confidence), cy: y(accuracy), r: 4 }), text);
  }
  find("ece").textContent = `Expected calibration error ${percent(protocol.ece)} %, in ${protocol.bins.length} bins of equal width; on the dashed line, confidence equals accuracy.`;
}
