"use strict";
// What every page begins with; its folder's scripts follow.
const find = (id) => document.getElementById(id);
const content = JSON.parse(find("content").textContent);
const percent = (share) => (100 * share).toFixed(1);
const searched = () => find("search").value.toLowerCase().split(/\s+/).filter(Boolean); // words

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const darkSystem = matchMedia("(prefers-color-scheme: dark)");
function isDark() {
  const chosen = document.documentElement.className;
  return chosen === "dark" || (chosen !== "light" && darkSystem.matches);
}
const tellTheme = () => dispatchEvent(new Event("theme")); // for what is drawn in pixels
find("theme").addEventListener("click", () => {
  document.documentElement.className = isDark() ? "light" : "dark";
  tellTheme();
});
darkSystem.addEventListener("change", tellTheme);
