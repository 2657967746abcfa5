// Tables

function fill(table, titles, rows, numeric) {
  const head = element("tr");
  const kind = (column) => (numeric.includes(column) ? "number" : "");
  titles.forEach((title, column) => {
    const cell = element("th", kind(column));
    cell.append(title);
    head.append(cell);
  });
  const made = rows.map(({ cells, open }) => {
    const row = element("tr");
    cells.forEach((text, column) => row.append(element("td", kind(column), text)));
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
  const rows = content.protocols.map((each) => ({
    cells: [each.name, ...interval(each.top1), ...interval(each.top5), ...interval(each.meanClass), percent(each.ece)],
  }));
  if (content.published) {
    const [name, one, five] = content.published;
    rows.push({ cells: [`published: ${name}`, one.toFixed(1), "", five.toFixed(1), "", "", "", ""] });
  }
  const titles = ["protocol", "top-1", "95 %", "top-5", "95 %", "mean class", "95 %", "ECE"];
  fill(find("figures"), titles, rows, [1, 2, 3, 4, 5, 6, 7]);
}

function showPairs() {
  const rows = protocol.pairs.map(([truth, predicted, count, total]) => ({
    cells: [content.labels[truth], content.labels[predicted], String(count), percent(count / total)],
    open: () => openPair(truth, predicted),
  }));
  fill(find("pairs"), ["true", "taken for", "videos", "% of class"], rows, [2, 3]);
}

let sorting = { column: 2, down: false };
function showClasses() {
  const words = searched();
  const rows = protocol.classes
    .filter(([index]) => words.every((word) => content.labels[index].toLowerCase().includes(word)))
    .map(([index, count, one, five, other]) => [content.labels[index], count, one / count, five / count, other === null ? "" : content.labels[other], index]);
  const { column, down } = sorting;
  rows.sort((a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : a[5] - b[5]) * (down ? -1 : 1));
  const titles = ["class", "videos", "top-1", "top-5", "mistaken for"].map((title, number) => {
    const button = element("button", "", number === column ? `${title} ${down ? "▼" : "▲"}` : title);
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
