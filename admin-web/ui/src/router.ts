import { useEffect, useState } from "preact/hooks";

// All that a page shows is in the address: the page is its path, and filters, order, cursor, tab and what is selected are its query. Names
// (of queues, users) are in the query as well, so that dots and slashes in them mean nothing to servers in between.

export const base = "/console";
export type Parameters = Record<string, string | number | null | undefined>;

export interface Place {
  path: string;
  query: URLSearchParams;
}

const listeners = new Set<() => void>();

function here(): Place {
  const path = location.pathname.startsWith(base) ? location.pathname.slice(base.length) : location.pathname;
  return { path: path.replace(/\/+$/, "") || "/", query: new URLSearchParams(location.search) };
}

let place = here();

function changed(): void {
  place = here();
  for (const listener of [...listeners]) listener();
}

window.addEventListener("popstate", changed);

export function href(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `${base}${path}${text ? `?${text}` : ""}`;
}

export function go(target: string, options: { replace?: boolean; state?: unknown } = {}): void {
  if (options.replace) history.replaceState(options.state ?? history.state, "", target);
  else history.pushState(options.state ?? null, "", target);
  const samePage = new URL(target, location.href).pathname === `${base}${place.path}`;
  changed();
  if (!samePage) window.scrollTo(0, 0);
}

/** The address of now with some parameters changed; null and "" take one away. */
export function hrefWith(changes: Parameters): string {
  const parameters: Parameters = Object.fromEntries(place.query);
  return href(place.path, { ...parameters, ...changes });
}

export function setQuery(changes: Parameters, options: { replace?: boolean; state?: unknown } = {}): void {
  go(hrefWith(changes), options);
}

export function usePlace(): Place {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const listener = () => setTurn((turn) => turn + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return place;
}

/** Clicks on links within the console change the address without loading a page; those with a modifier key are the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest?.("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.pathname !== base && !link.pathname.startsWith(`${base}/`)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
