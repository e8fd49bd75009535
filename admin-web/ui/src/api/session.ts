import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { path, post, request, keepToken } from "./client";
import type { Role, Session } from "./types";

export type Login = { user: string; password: string } | { token: string };

export async function currentSession(): Promise<Session> {
  return keepToken((await request<Session>("GET", path(["session"]))).data);
}

export async function logIn(login: Login): Promise<Session> {
  return keepToken(await post<Session>(path(["session"]), login));
}

export async function logOut(): Promise<void> {
  await request("DELETE", path(["session"]));
}

export async function confirmPassword(password: string): Promise<Session> {
  return keepToken(await post<Session>(path(["session", "confirm"]), { password }));
}

/** What the console offers to a role. The broker decides each time; this only spares people buttons that would be refused. */
export interface Abilities {
  manageQueues: boolean;
  workWithMessages: boolean;
  readBodies: boolean;
  closeConnections: boolean;
  resolveTransactions: boolean;
  manageSelectors: boolean;
  manageAccess: boolean;
  manageConfiguration: boolean;
}

export function abilitiesOf(role: Role): Abilities {
  const administrator = role === "administrator";
  const operator = administrator || role === "operator";
  return {
    manageQueues: operator, workWithMessages: operator, readBodies: operator, closeConnections: operator, resolveTransactions: operator,
    manageSelectors: administrator, manageAccess: administrator, manageConfiguration: administrator,
  };
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  return useContext(SessionContext)!;
}

export function useAbilities(): Abilities {
  return abilitiesOf(useSession().role);
}
