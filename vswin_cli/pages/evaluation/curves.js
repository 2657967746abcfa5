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
