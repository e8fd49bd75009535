import { go, href } from "../router";

/** What follows "g". */
export const destinations: Record<string, [string, string]> = {
  o: ["/", "overview"],
  q: ["/queues", "queues"],
  t: ["/transactions", "transactions in doubt"],
  c: ["/connections", "connections"],
  s: ["/selectors", "selectors"],
  u: ["/users", "users"],
  p: ["/permissions", "permissions"],
  a: ["/audit", "audit log"],
  w: ["/operations", "operations (work under way)"],
};

const prefixMs = 1200;
let prefixUntil = 0;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
    !(target instanceof HTMLInputElement && target.type === "checkbox")
  );
}

function moveAlongRows(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (rows.length === 0) return;
  const row = document.activeElement?.closest("tr");
  const now = rows.findIndex((one) => one === document.activeElement || (row !== null && row !== undefined && one.closest("tr") === row));
  const next = now === -1 ? (step === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + step));
  rows[next]!.focus();
  rows[next]!.scrollIntoView({ block: "nearest" });
}

/** The keys of the whole console; `showHelp` is what "?" does. Enter and Esc are the browser's own on links and dialogs. */
export function handleKey(event: KeyboardEvent, showHelp: () => void): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") (event.target as HTMLElement).blur();
    return;
  }
  const prefixed = event.timeStamp < prefixUntil;
  prefixUntil = 0;
  const destination = prefixed ? destinations[event.key] : undefined;
  if (destination) {
    event.preventDefault();
    go(href(destination[0]));
  } else if (event.key === "g") {
    prefixUntil = event.timeStamp + prefixMs;
  } else if (event.key === "/") {
    const search = document.querySelector<HTMLInputElement>("main [data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else {
      event.preventDefault();
      go(href("/queues"));
    }
  } else if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    moveAlongRows(event.key === "j" ? 1 : -1);
  } else if (event.key === "x") {
    document.activeElement?.closest("tr")?.querySelector<HTMLInputElement>("input[type=checkbox]")?.click();
  } else if (event.key === "?") {
    event.preventDefault();
    showHelp();
  } else if (event.key === "Escape") {
    document.querySelector<HTMLElement>("[data-escape]")?.click();
  }
}
