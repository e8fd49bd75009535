// The figures that are asked for again and again would keep a session alive on a desk that everybody has left. So the console itself counts
// the time since somebody last did something, in any of its tabs, and logs out when the session would have ended for want of use.

const key = "giromq.used";
const noteMs = 5000;
const lookMs = 10_000;
const uses = ["pointerdown", "keydown", "wheel"] as const;

export function watchIdleness(limitMs: number, onIdle: () => void): () => void {
  let noted = 0;
  const note = () => {
    const now = Date.now();
    if (now - noted < noteMs) return;
    noted = now;
    localStorage.setItem(key, String(now));
  };
  const look = () => {
    if (Date.now() - Number(localStorage.getItem(key) ?? noted) > limitMs) onIdle();
  };
  note();
  for (const use of uses) document.addEventListener(use, note, { passive: true });
  const timer = setInterval(look, Math.min(lookMs, limitMs));
  return () => {
    clearInterval(timer);
    for (const use of uses) document.removeEventListener(use, note);
  };
}
