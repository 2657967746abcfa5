// Pages of `vswin train`: accuracy and loss by epoch, or by regularisation of a head.

function showTraining() {
  if (!content.training || !content.training.log.length) return;
  find("training").hidden = false;
  const { log, remarks, split } = content.training;
  const isHead = !("epoch" in log[0]);
  const { add, hint, title, width } = drawing("epochs", 306, "Accuracy and loss of training and validation");
  const right = width - 52;
  const place = (row, number) => (isHead ? number + 1 : row.epoch);
  const most = Math.max(...log.map(place), 2);
  const first = isHead ? 1 : 0;
  const x = (row, number) => LEFT + 14 + ((place(row, number) - first) / (most - first)) * (right - LEFT - 28);
  const y = (share) => BOTTOM - share * (BOTTOM - TOP);
  const worst = Math.max(...log.flatMap((row) => [row.train_loss ?? 0, row.validation_loss ?? 0]), 1e-6);
  axis(add, right, 0, 1, 0.2);
  for (const share of [0, 0.5, 1]) add("text", "", { x: right + 6, y: y(share) + 4 }, (share * worst).toFixed(2));
  title("accuracy, %", 14, (TOP + BOTTOM) / 2, true);
  title("loss (dashed)", width - 6, (TOP + BOTTOM) / 2, true);
  title(isHead ? "regularisation" : "epoch", (LEFT + right) / 2, BOTTOM + 38);
  log.forEach((row, number) => {
    if (log.length <= 12 || place(row, number) % Math.ceil(log.length / 10) === 0)
      title(isHead ? String(row.strength) : String(row.epoch), x(row, number), BOTTOM + 18);
  });
  for (const [kind, name] of [["one", "train"], ["five", "validation"]]) {
    for (const [what, scale, dash] of [["accuracy", 1, ""], ["loss", 1 / worst, "5 4"]]) {
      const key = `${name}_${what}`;
      const points = log.map((row, number) => [row, number]).filter(([row]) => row[key] !== undefined);
      const at = ([row, number]) => [x(row, number), y(Math.min(row[key] * scale, 1))];
      add("polyline", `${kind} line`, { points: points.map((each) => at(each).join(",")).join(" "), "stroke-dasharray": dash });
      for (const each of points) {
        const [cx, cy] = at(each);
        const value = what === "loss" ? each[0][key].toFixed(3) : `${percent(each[0][key])} %`;
        hint(add("circle", kind, { cx, cy, r: what === "loss" ? 2 : 3.5 }), `${name} ${what} ${value}`);
      }
    }
    const corner = BOTTOM - (kind === "one" ? 28 : 10);
    add("circle", kind, { cx: right - 92, cy: corner - 4, r: 3.5 });
    add("text", "", { x: right - 82, y: corner }, name);
  }
  find("trained").textContent = [`The figures on this page are for the ${split} split.`, ...remarks.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`)].join(" ");
}

function showPrecisions() {
  if (!content.precisions) return;
  find("several").hidden = false;
  const table = find("several").querySelector("table");
  const head = table.createTHead().insertRow();
  for (const name of ["class", "clips", "average precision, %"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { label, clips, average_precision: precision } of content.precisions) {
    const row = body.insertRow();
    for (const text of [label, String(clips), precision === null ? "" : percent(precision)]) row.insertCell().textContent = text;
  }
}
