// A session ends when nobody uses the console for its idle time. What counts is what a person does, not what the console asks for by
// itself again and again: a GET that goes out when nobody has touched this tab since the one before says so, and the broker does not count
// it. When somebody does something for which no request goes out, such as reading on, one is sent now and then.

const uses = ["pointerdown", "keydown", "wheel"] as const;
const tellMs = 60_000;

// Loading the console is use.
let isUsed = true;

export function noteUse(): void {
  isUsed = true;
}

/** Whether the request that is about to go out is of a person. */
export function takeUse(): boolean {
  const was = isUsed;
  isUsed = false;
  return was;
}

/** Notes what is done, and calls `tell` when that was not told to the broker with a request for a minute. */
export function watchUse(tell: () => void): () => void {
  for (const use of uses) document.addEventListener(use, noteUse, { passive: true });
  const timer = setInterval(() => {
    if (isUsed) tell();
  }, tellMs);
  return () => {
    clearInterval(timer);
    for (const use of uses) document.removeEventListener(use, noteUse);
  };
}
