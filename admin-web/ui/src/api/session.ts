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

/** The session goes on under a new id; the others of the user have ended. */
export async function changePassword(current: string, next: string): Promise<Session> {
  const { data, status } = await request<Session>("PUT", path(["session", "password"]), { body: { current, new: next } });
  // It is changed, but there is no room for a session.
  if (status === 204) return currentSession();
  return keepToken(data);
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
