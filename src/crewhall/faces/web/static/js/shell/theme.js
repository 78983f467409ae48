// Light, dark, or as the system has it. The choice lives in a cookie, so that the server renders it and nothing flashes.

const COOKIE = "crewhall_theme";
const YEAR_S = 31536000;
const ORDER = ["", "light", "dark"];
const ICONS = { "": "auto", light: "sun", dark: "moon" };
const NAMES = { "": "as the system has it", light: "light", dark: "dark" };

function current() {
  return document.documentElement.dataset.theme ?? "";
}

function choose(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  document.cookie = `${COOKIE}=${theme}; path=/; max-age=${theme ? YEAR_S : 0}; samesite=lax`;
  show();
}

function show() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === current()));
  }
  for (const button of document.querySelectorAll("[data-theme-cycle]")) {
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[current()]}`));
    button.setAttribute("aria-label", `Appearance: ${NAMES[current()]}. Change it`);
  }
}

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (choice) choose(choice.dataset.themeChoice);
  if (event.target.closest("[data-theme-cycle]")) choose(ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]);
});
document.addEventListener("turbo:load", show);
