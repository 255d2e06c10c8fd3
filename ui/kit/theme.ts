/** The colours: those of the system, or the chosen ones. */

const KEPT = "verbatim.theme";
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export function currentTheme(): Theme {
  return THEMES.find((theme) => theme === localStorage.getItem(KEPT)) ?? "system";
}

export function setTheme(theme: Theme) {
  localStorage.setItem(KEPT, theme);
  restoreTheme();
}

export function restoreTheme() {
  document.documentElement.dataset.theme = currentTheme();
}
