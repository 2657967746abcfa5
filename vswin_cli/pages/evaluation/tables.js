// Tables

function fill(table, titles, rows, numeric) {
  const head = element("tr");
  const kind = (column) => (numeric.includes(column) ? "number" : "");
  titles.forEach((title, column) => {
    const cell = element("th", kind(column));
    cell.scope = "col";
    cell.append(title.button ?? title);
    if (title.sorted) cell.setAttribute("aria-sort", title.sorted);
    head.append(cell);
  });
  const made = rows.map(({ cells, open, key }) => {
    const row = element("tr");
    cells.forEach((text, column) => row.append(element("td", kind(column), text)));
    if (open) {
      row.className = "link";
      row.dataset.key = key;
      const button = element("button", "", cells[0]);
      button.type = "button";
      row.firstChild.replaceChildren(button);
      row.addEventListener("click", open); // clicks on the button too
    }
    return row;
  });
  const thead = element("thead");
  const tbody = element("tbody");
  thead.append(head);
  tbody.append(...made);
  table.replaceChildren(thead, tbody);
}

// Highlight the rows of the selected cell or class.
function markRows() {
  const keys = chosen ? [String(chosen), String([chosen[0], null])] : [];
  for (const row of document.querySelectorAll("tr.link")) {
    const isFound = keys.includes(row.dataset.key);
    row.classList.toggle("found", isFound);
    row.toggleAttribute("aria-current", isFound);
  }
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
  const titles = ["protocol", "top-1", "95 % interval", "top-5", "95 % interval", "mean class", "95 % interval", "ECE"];
  fill(find("figures"), titles, rows, [1, 2, 3, 4, 5, 6, 7]);
}

function showPairs() {
  const rows = protocol.pairs.map(([truth, predicted, count, total]) => ({
    cells: [content.labels[truth], content.labels[predicted], whole(count), percent(count / total)],
    key: String([truth, predicted]),
    open: () => choose(truth, predicted, { isFar: true }),
  }));
  fill(find("pairs"), ["true class", "predicted class", "videos", "% of class"], rows, [2, 3]);
  markRows();
}

let sorting = { column: 2, down: false };
function showClasses() {
  const words = searched();
  const rows = protocol.classes
    .filter(([index]) => words.every((word) => content.labels[index].toLowerCase().includes(word)))
    .map(([index, count, one, five, other]) => [content.labels[index], count, one / count, five / count, other === null ? "" : content.labels[other], index]);
  const { column, down } = sorting;
  rows.sort((a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : a[5] - b[5]) * (down ? -1 : 1));
  const titles = ["class", "videos", "top-1, %", "top-5, %", "mistaken for"].map((title, number) => {
    const isSorted = number === column;
    const button = element("button", "", isSorted ? `${title} ${down ? "▼" : "▲"}` : title);
    button.type = "button";
    button.addEventListener("click", () => {
      sorting = { column: number, down: isSorted ? !down : false };
      showClasses();
      find("classes").querySelectorAll("th button")[number].focus();
    });
    return { button, sorted: isSorted ? (down ? "descending" : "ascending") : "" };
  });
  const shown = rows.map(([name, count, one, five, other, index]) => ({
    cells: [name, whole(count), percent(one), percent(five), other],
    key: String([index, null]),
    open: () => choose(index, null, { isFar: true }),
  }));
  fill(find("classes"), titles, shown, [1, 2, 3]);
  markRows();
}

function list(id, total, shown, titles, rows, file) {
  const section = find(id);
  section.hidden = total === 0;
  const rest = shown < total ? `The first ${whole(shown)} of ${whole(total)}; ${file} has all.` : `${whole(total)}, also in ${file}.`;
  section.querySelector("p").textContent = rest;
  fill(section.querySelector("table"), titles, rows.map((cells) => ({ cells })), []);
}
