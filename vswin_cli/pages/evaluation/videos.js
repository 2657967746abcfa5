// The videos with a wrong answer, for the selected cell or class.

function wrongCard({ video, truth, strip, file, answers }) {
  const [predicted, probability, rank] = answers[protocol.number];
  const item = element("li", "card");
  item.append(element("h3", "", video), frames(video, strip, file));
  item.append(bar("div", probability, content.labels[predicted], `${percent(probability)} %`));
  item.append(element("p", "truth", `is ${content.labels[truth]}, ranked ${whole(rank)}`));
  return item;
}

const showCards = longList(find("cards"), wrongCard);

function showVideos() {
  const wrong = content.items.filter(({ answers }) => answers[protocol.number]);
  const shown = wrong.filter(({ truth, answers }) => {
    if (!chosen) return true;
    const [row, column] = chosen;
    const predicted = answers[protocol.number][0];
    if (column === null) return truth === row || predicted === row;
    return truth === row && (row === column || predicted === column);
  });
  let what = `${counted(shown.length, "video")} of ${whole(protocol.numWrong)}`;
  if (chosen) {
    const [row, column] = chosen.map((index) => content.labels[index]);
    if (chosen[1] === null) what += `: ${row}, or mistaken for it`;
    else what += chosen[0] === chosen[1] ? `: ${row}, mistaken for another class` : `: ${row}, mistaken for ${column}`;
  }
  const notes = [what];
  if (content.items.length < content.numWrong) notes.push(`the page has ${whole(content.items.length)} of ${whole(content.numWrong)}; wrong.csv has all`);
  const numFrames = content.items.filter(({ strip }) => strip).length;
  if (numFrames && numFrames < content.items.length) notes.push(`${whole(numFrames)} with frames`);
  find("which").textContent = `${notes.join("; ")}.`;
  find("all").hidden = !chosen;
  showCards(shown);
  find("videos").scrollTop = 0;
}

find("all").addEventListener("click", () => choose(null));
