let protocol = content.protocols[0];
content.protocols.forEach((each, number) => (each.number = number));

function showProtocol() {
  protocol = content.protocols[Number(find("protocol").value)];
  chosen = null;
  find("cell").textContent = "";
  showCurves();
  arrange();
  showPairs();
  showClasses();
  showVideos();
}

function showCurves() {
  showTraining();
  showViews();
  showReliability();
}

let resizing = 0;
addEventListener("theme", () => protocol && draw());
addEventListener("resize", () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => (protocol ? (fit(), showCurves()) : showTraining()));
});
list("failures", content.numFailed, content.failed.length, ["video", "class", "kind", "reason"],
  content.failed.map(([video, index, kind, message]) => [video, content.labels[index], kind, message]), "failed.csv");
list("unmatched", content.numUnmatched, content.unmatched.length, ["row", "video", "why", "reason"],
  content.unmatched.map(([row, ...rest]) => [String(row), ...rest]), "unmatched.csv");
if (protocol) {
  find("method").textContent = `${content.method}. ECE is the expected calibration error.`;
  content.protocols.forEach((each, number) => find("protocol").add(new Option(each.name, String(number))));
  find("choice").hidden = content.protocols.length < 2;
  find("protocol").addEventListener("change", showProtocol);
  find("search").addEventListener("input", showClasses);
  showFigures();
  showProtocol();
} else {
  for (const id of ["accuracy", "curves", "confusion", "tables"]) find(id).hidden = true;
  find("none").hidden = Boolean(content.precisions);
  showTraining();
  showPrecisions();
}
