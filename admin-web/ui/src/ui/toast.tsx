import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "./basics";
import { Icon } from "./icons";

interface Toast {
  number: number;
  tone: "good" | "danger";
  text: ComponentChildren;
}

let toasts: Toast[] = [];
let numbers = 0;
let tell: () => void = () => {};
const shownMs = 6000;

/** Says what was done. What failed is told where it failed; here only when that place is gone. */
export function toast(text: ComponentChildren, tone: Toast["tone"] = "good"): void {
  const number = ++numbers;
  toasts = [...toasts.slice(-3), { number, tone, text }];
  tell();
  setTimeout(() => dismiss(number), shownMs);
}

function dismiss(number: number): void {
  toasts = toasts.filter((one) => one.number !== number);
  tell();
}

export function Toasts() {
  const [, setTurn] = useState(0);
  useEffect(() => {
    tell = () => setTurn((turn) => turn + 1);
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((one) => (
        <div key={one.number} class={`toast ${one.tone}`}>
          <Icon name={one.tone === "good" ? "check" : "warning"} />
          <span>{one.text}</span>
          <Button kind="quiet" small icon="close" label="Dismiss" onClick={() => dismiss(one.number)} />
        </div>
      ))}
    </div>
  );
}
