const colours = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#ee7733"];
const plotHeight = 140;
const height = 208;

function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const [hours, minutes] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60];
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function filmCard(film) {
  const card = element("section", "card film");
  card.append(element("h2", "", film.video));
  if (film.error) {
    card.append(element("p", "", `${film.error[0]}: ${film.error[1]}`));
    return card;
  }
  card.append(element("p", "", film.facts));
  for (const warning of film.warnings) card.append(element("p", "warned", warning));
  const curves = film.curves.map(bytes);
  const colour = (label) => colours[Math.max(film.labels.indexOf(label), 0) % colours.length];
  let now = 0;

  let video = null;
  if (film.file) {
    video = element("video");
    video.controls = true;
    video.preload = "metadata";
    video.setAttribute("aria-label", film.video);
    video.src = film.file;
    video.addEventListener("error", () => video.replaceWith(element("p", "", "The film cannot be played here.")));
    card.append(video);
  }

  const controls = element("div", "controls");
  const zoom = element("input");
  zoom.type = "range";
  zoom.min = 0;
  zoom.max = Math.max(1, Math.ceil(Math.log2(film.duration / 10))); // at most, 10 s fill the width
  zoom.step = 0.25;
  zoom.value = 0;
  const zooming = element("label", "", "Zoom ");
  zooming.append(zoom);
  const place = element("output", "", clock(0));
  controls.append(zooming, place);
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("aria-label", `Probabilities and segments of ${film.video} over time`);
  const wide = element("div", "wide");
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  const plotted = film.truth ? "True and predicted segments" : `Probabilities of ${film.labels.join(", ")}`;
  canvas.setAttribute("aria-label", `${plotted}; the segments are listed below`);
  const thumbs = element("div");
  wide.append(canvas, thumbs);
  scroll.append(wide);
  const legend = element("div", "legend");
  for (const label of film.labels) {
    const entry = element("span");
    const patch = element("i");
    patch.style.background = colour(label);
    entry.append(patch, label);
    legend.append(entry);
  }
  const lists = element("div", film.truth ? "lists" : "");
  card.append(controls, scroll, legend, lists);

  function jump(seconds) {
    now = Math.min(Math.max(seconds, 0), film.duration);
    place.textContent = clock(now);
    if (video) video.currentTime = now;
    draw();
  }

  function draw() {
    const shown = Math.max(scroll.clientWidth, 1);
    const whole = shown * 2 ** zoom.value;
    wide.style.width = `${whole}px`;
    const ratio = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [shown * ratio, height * ratio];
    [canvas.style.width, canvas.style.height] = [`${shown}px`, `${height}px`];
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const left = scroll.scrollLeft;
    const x = (seconds) => (seconds / film.duration) * whole - left;
    const first = Math.max(Math.floor(((left / whole) * film.duration) / film.step) - 1, 0);
    const last = Math.ceil((((left + shown) / whole) * film.duration) / film.step) + 1;
    pen.strokeStyle = resolved("--line");
    for (const shot of film.shots) {
      pen.beginPath();
      pen.moveTo(x(shot), 0);
      pen.lineTo(x(shot), height);
      pen.stroke();
    }
    for (const [number, curve] of curves.entries()) {
      pen.strokeStyle = colour(film.labels[number]);
      pen.lineWidth = 1.5;
      pen.beginPath();
      let pixel = null; // draw the highest and lowest of several steps in one pixel
      let range = [255, 0];
      const flush = () => {
        if (pixel === null) return;
        pen.lineTo(pixel, plotHeight - (range[1] / 254) * (plotHeight - 4));
        if (range[0] !== range[1]) pen.lineTo(pixel, plotHeight - (range[0] / 254) * (plotHeight - 4));
      };
      for (let step = first; step < Math.min(last, curve.length); step++) {
        if (curve[step] === 255) continue; // no window covers it
        const at = Math.round(x((step + 0.5) * film.step));
        if (at !== pixel) {
          flush();
          [pixel, range] = [at, [255, 0]];
        }
        range = [Math.min(range[0], curve[step]), Math.max(range[1], curve[step])];
      }
      flush();
      pen.stroke();
    }
    if (film.truth) {
      band(pen, x, 4, "true", film.truth);
      band(pen, x, 74, "predicted", film.segments);
    }
    thumbs.replaceChildren();
    for (const segment of film.segments) {
      const [start, end] = [x(segment.start), x(segment.end)];
      if (end < 0 || start > shown) continue;
      pen.fillStyle = colour(segment.label);
      pen.fillRect(start, plotHeight + 2, Math.max(end - start - 1, 1), 6);
      if (end - start < 40) continue;
      const thumb = element("button", "thumb");
      thumb.type = "button";
      thumb.style.left = `${start + left}px`;
      thumb.style.width = `${end - start - 2}px`;
      thumb.title = `${clock(segment.start)} – ${clock(segment.end)} ${segment.label} ${percent(segment.probability)} %`;
      thumb.setAttribute("aria-label", thumb.title);
      if (segment.thumb) {
        const image = element("img");
        image.src = segment.thumb;
        image.alt = "";
        thumb.append(image);
      }
      thumb.append(element("span", "", segment.label));
      thumb.addEventListener("click", () => jump(segment.start));
      thumbs.append(thumb);
    }
    pen.fillStyle = resolved("--text");
    pen.fillRect(x(now) - 0.5, 0, 1.5, height);
  }

  function band(pen, x, top, title, segments) {
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = resolved("--text");
    pen.fillText(title, 4, top + 12);
    for (const segment of segments) {
      const [start, width] = [x(segment.start), Math.max(x(segment.end) - x(segment.start) - 1, 1)];
      pen.fillStyle = colour(segment.label);
      pen.fillRect(start, top + 18, width, 40);
    }
  }

  canvas.addEventListener("click", (event) => {
    const whole = scroll.clientWidth * 2 ** zoom.value;
    jump(((event.offsetX + scroll.scrollLeft) / whole) * film.duration);
  });
  zoom.addEventListener("input", () => {
    draw();
    scroll.scrollLeft = (now / film.duration) * scroll.clientWidth * 2 ** zoom.value - scroll.clientWidth / 2;
  });
  let pending = 0;
  const later = () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(draw);
  };
  scroll.addEventListener("scroll", later);
  addEventListener("theme", later);
  new ResizeObserver(later).observe(scroll);
  if (video) {
    video.addEventListener("timeupdate", () => {
      now = video.currentTime;
      place.textContent = clock(now);
      later();
    });
  }
  const entry = (segment) => {
    const item = element("li");
    const button = element("button");
    button.type = "button";
    button.append(
      element("span", "", `${clock(segment.start)} – ${clock(segment.end)}`),
      element("span", "", segment.label),
      element("span", "", segment.isTrue ? "" : `${percent(segment.probability)} %`),
    );
    button.addEventListener("click", () => jump(segment.start));
    item.append(button);
    return item;
  };
  const truth = (film.truth ?? []).map((segment) => ({ ...segment, isTrue: true }));
  for (const [title, segments] of film.truth ? [["True", truth], ["Predicted", film.segments]] : [["", film.segments]]) {
    const part = element("section");
    if (title) part.append(element("h3", "", title));
    const list = element("ol", "segments");
    part.append(list);
    lists.append(part);
    longList(list, entry)(segments);
  }
  return card;
}

longList(find("films"), filmCard, 3)(content.items);
