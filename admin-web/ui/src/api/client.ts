import type { Problem, Session } from "./types";
import { takeUse } from "./use";

/** A refusal of the broker (or of the network: status 0), in the words of its problem+json. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }
}

export interface Answer<T> {
  data: T;
  status: number;
  etag: string | null;
}

interface Options {
  body?: unknown;
  /** A body that is not JSON: XML definitions. */
  raw?: { type: string; text: string };
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Record<string, string | number | boolean | null | undefined>;

let csrfToken = "";
let onLost: () => void = () => {};
let askToConfirm: () => Promise<void> = () => Promise.reject(cancelled());

export function cancelled(): ApiError {
  return new ApiError(0, "cancelled", "Cancelled", "");
}

export function isCancelled(error: unknown): boolean {
  return error instanceof ApiError && error.code === "cancelled";
}

/** What happens when the session is no more, and when the broker wants the password again. */
export function onSessionLost(handler: () => void): void {
  onLost = handler;
}
export function onConfirmationRequired(handler: () => Promise<void>): void {
  askToConfirm = handler;
}
export function keepToken(session: Session): Session {
  csrfToken = session.csrfToken;
  return session;
}

/** /api/v1 with a path whose parts are encoded, and the parameters that have a value. */
export function path(parts: readonly (string | number)[], query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") parameters.set(name, String(value));
  }
  // In a URL a plus is a plus: only forms mean a space by it.
  const text = parameters.toString().replaceAll("+", "%20");
  return `/api/v1/${parts.map((part) => encodeURIComponent(part)).join("/")}${text ? `?${text}` : ""}`;
}

async function once<T>(method: Method, target: string, options: Options): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json, application/xml, application/problem+json", ...options.headers };
  const isUse = takeUse();
  if (method === "GET" && !isUse) headers["X-GiroMQ-Background"] = "true";
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  let body: string | undefined;
  if (options.raw) {
    headers["Content-Type"] = options.raw.type;
    body = options.raw.text;
  } else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(target, { method, headers, body, signal: options.signal, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (options.signal?.aborted) throw cancelled();
    throw new ApiError(0, "unreachable", "The broker does not answer", error instanceof Error ? error.message : "");
  }
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("Content-Type") ?? "");
  if (!response.ok) throw refusal(response, isJson && text !== "" ? parsed(text) : null);
  return { data: (isJson && text !== "" ? parsed(text) : text) as T, status: response.status, etag: response.headers.get("ETag") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(0, "malformed", "The answer could not be read", "It is not JSON.");
  }
}

function refusal(response: Response, body: unknown): ApiError {
  const problem = (body ?? {}) as Partial<Problem>;
  return new ApiError(
    response.status,
    problem.code ?? "unknown",
    problem.title ?? `The broker answered ${response.status}`,
    problem.detail ?? "",
  );
}

/**
 * One request. A request that needs a fresh password is repeated after it was given; one whose CSRF token is stale (another tab has logged
 * in again) is repeated with the token of now. Neither has done anything before.
 */
export async function request<T>(method: Method, target: string, options: Options = {}): Promise<Answer<T>> {
  try {
    return await once<T>(method, target, options);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "confirmation_required") {
      await askToConfirm();
      return once<T>(method, target, options);
    }
    if (error.code === "csrf") {
      keepToken((await once<Session>("GET", path(["session"]), {})).data);
      return once<T>(method, target, options);
    }
    if (error.status === 401 && !target.startsWith("/api/v1/session")) onLost();
    throw error;
  }
}

export async function get<T>(target: string, signal?: AbortSignal): Promise<T> {
  return (await request<T>("GET", target, { signal })).data;
}

export async function post<T>(target: string, body: unknown = {}, headers?: Record<string, string>): Promise<T> {
  return (await request<T>("POST", target, { body, headers })).data;
}

/** A file that the broker sends as an attachment; the browser saves it with the session's cookie. */
export function download(target: string, name = ""): void {
  const link = document.createElement("a");
  link.href = target;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}
