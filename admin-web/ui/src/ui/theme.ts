import { useEffect, useState } from "preact/hooks";

export type Choice = "auto" | "light" | "dark";
export type Theme = "light" | "dark";

const key = "giromq.theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function themeChoice(): Choice {
  const stored = localStorage.getItem(key);
  return stored === "light" || stored === "dark" ? stored : "auto";
}

function themeOf(choice: Choice): Theme {
  return choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = themeOf(themeChoice());
  for (const listener of listeners) listener();
}

dark.addEventListener("change", applyTheme);

export function chooseTheme(choice: Choice): void {
  if (choice === "auto") localStorage.removeItem(key);
  else localStorage.setItem(key, choice);
  applyTheme();
}

export function useTheme(): Theme {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const listener = () => setTurn((turn) => turn + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return themeOf(themeChoice());
}
