import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { path, post, request, keepToken } from "./client";
import type { Action, Session } from "./types";

export async function currentSession(): Promise<Session> {
  return keepToken((await request<Session>("GET", path(["session"]))).data);
}

export async function logIn(user: string, password: string): Promise<Session> {
  return keepToken(await post<Session>(path(["session"]), { user, password }));
}

/** The token of a broker that has no administrator yet makes this user its first one. */
export async function setUp(token: string, user: string, password: string): Promise<Session> {
  return keepToken(await post<Session>(path(["session"]), { token, user, password }));
}

export async function logOut(): Promise<void> {
  await request("DELETE", path(["session"]));
}

export async function confirmPassword(password: string): Promise<Session> {
  return keepToken(await post<Session>(path(["session", "confirm"]), { password }));
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  return useContext(SessionContext)!;
}

/** What the console offers. The broker decides each time; this only spares people buttons that would be refused. */
export function useMay(): (action: Action) => boolean {
  const { mayDo } = useSession();
  return (action) => mayDo.includes(action);
}
