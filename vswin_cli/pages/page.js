"use strict";
// What every page begins with; its folder's scripts follow.
const find = (id) => document.getElementById(id);
const content = JSON.parse(find("content").textContent);
const percent = (share) => (100 * share).toFixed(1);
const whole = (number) => number.toLocaleString("en");
const counted = (number, thing) => `${whole(number)} ${thing}${number === 1 ? "" : "s"}`;
const searched = () => find("search").value.toLowerCase().split(/\s+/).filter(Boolean); // words

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A name and a number over a bar of their share.
function bar(tag, share, left, right) {
  const row = element(tag, "row");
  const fill = element("i");
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  row.append(fill, element("span", "", left), element("span", "", right));
  return row;
}

// A long list: only the visible part is made, but all of it for printing.
function longList(list, make, atOnce = 60) {
  let items = [];
  let made = 0;
  const more = (most) => {
    list.append(...items.slice(made, made + most).map(make));
    made = Math.min(made + most, items.length);
  };
  const end = element("div");
  list.after(end);
  const watch = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && made < items.length) more(atOnce);
  }, { rootMargin: "1500px" });
  watch.observe(end);
  addEventListener("beforeprint", () => more(items.length));
  return (shown) => {
    [items, made] = [shown, 0];
    list.replaceChildren();
    more(atOnce);
    watch.unobserve(end); // to be called again
    watch.observe(end);
  };
}

// Frames of a video; if its file may be shown, a button plays it instead.
function frames(name, strip, file) {
  const made = element(file ? "button" : "div", "frames");
  if (strip) {
    const image = element("img");
    image.src = strip;
    image.alt = file ? "" : "Frames that the model saw";
    made.append(image);
  }
  if (!file) return strip ? made : "";
  made.type = "button";
  made.setAttribute("aria-label", `Play ${name}`);
  made.append(element("span", "play", "▶ Play"));
  made.addEventListener("click", () => play(made, name, file));
  return made;
}

function play(button, name, file) {
  const place = element("div", "frames");
  const video = element("video");
  video.controls = true;
  video.setAttribute("aria-label", name);
  video.addEventListener("error", () => {
    place.replaceWith(button);
    button.querySelector(".play").textContent = "Cannot be played here";
    button.setAttribute("aria-label", `Cannot be played here: ${name}`);
    button.focus();
  });
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video) other.pause();
  });
  place.append(video);
  button.replaceWith(place);
  video.src = file;
  video.focus();
  video.play().catch(() => {}); // the error handler above reports it
}

for (const [term, text] of content.about) {
  const pair = element("div");
  pair.append(element("dt", "", term), element("dd", "", text));
  find("about").append(pair);
}

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
function isDark() {
  const chosen = document.documentElement.className;
  return chosen === "dark" || (chosen !== "light" && darkSystem.matches);
}
function resolved(name) { // a colour of the style, for canvases
  const probe = document.body.appendChild(element("i"));
  probe.style.color = `var(${name})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
const tellTheme = () => dispatchEvent(new Event("theme")); // for canvases
find("theme").addEventListener("click", () => {
  document.documentElement.className = isDark() ? "light" : "dark";
  tellTheme();
});
darkSystem.addEventListener("change", tellTheme);

let before = ""; // the theme on the screen; printed pages are light
addEventListener("beforeprint", () => {
  before = document.documentElement.className;
  document.documentElement.className = "light";
  tellTheme();
});
addEventListener("afterprint", () => {
  document.documentElement.className = before;
  tellTheme();
});
