import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, onSessionLost, path as api } from "./api/client";
import { live } from "./api/live";
import { forgetAll } from "./api/resource";
import { currentSession, logOut, SessionContext } from "./api/session";
import type { Session } from "./api/types";
import { watchUse } from "./api/use";
import { written } from "./lib/inert";
import { AuditPage } from "./pages/audit";
import { CertificatesPage } from "./pages/certificates";
import { ConfigurationPage } from "./pages/configuration";
import { ConnectionPage } from "./pages/connection";
import { ConnectionsPage } from "./pages/connections";
import { ConsumersPage, ProducersPage } from "./pages/links";
import { LoginPage } from "./pages/login";
import { OperationsPage } from "./pages/operations";
import { OverviewPage } from "./pages/overview";
import { PermissionsPage } from "./pages/permissions";
import { QueuePage } from "./pages/queue";
import { QueuesPage } from "./pages/queues";
import { RolesPage } from "./pages/roles";
import { SelectorsPage } from "./pages/selectors";
import { TransactionPage } from "./pages/transaction";
import { TransactionsPage } from "./pages/transactions";
import { UsersPage } from "./pages/users";
import { href, usePlace } from "./router";
import { Empty, Failure, LinkButton, PageHead } from "./ui/basics";
import { ConfirmHost } from "./ui/dialog";
import { Shell } from "./ui/shell";
import { toast, Toasts } from "./ui/toast";

const pages: Record<string, [string, ComponentType]> = {
  "/": ["Overview", OverviewPage],
  "/queues": ["Queues", QueuesPage],
  "/queue": ["Queue", QueuePage],
  "/transactions": ["In doubt", TransactionsPage],
  "/transaction": ["Transaction", TransactionPage],
  "/operations": ["Operations", OperationsPage],
  "/connections": ["Connections", ConnectionsPage],
  "/connection": ["Connection", ConnectionPage],
  "/consumers": ["Consumers", ConsumersPage],
  "/producers": ["Producers", ProducersPage],
  "/selectors": ["Selectors", SelectorsPage],
  "/users": ["Users", UsersPage],
  "/roles": ["Roles", RolesPage],
  "/permissions": ["Permissions", PermissionsPage],
  "/audit": ["Audit log", AuditPage],
  "/configuration": ["Configuration", ConfigurationPage],
  "/certificates": ["Certificates", CertificatesPage],
};

type State = { kind: "asking" } | { kind: "out"; lost: boolean } | { kind: "in"; session: Session } | { kind: "failed"; error: ApiError };

export function App() {
  const [state, setState] = useState<State>({ kind: "asking" });
  /** Whoever logs in next must not see what was shown to somebody else. */
  const end = (lost: boolean) => {
    forgetAll();
    setState({ kind: "out", lost });
  };
  const ask = () => {
    currentSession().then(
      (session) => setState({ kind: "in", session }),
      (error: ApiError) => setState(error.status === 401 ? { kind: "out", lost: false } : { kind: "failed", error }),
    );
  };
  useEffect(() => {
    onSessionLost(() => end(true));
    ask();
  }, []);
  // Another session has another token, and the socket of the one before ends.
  const token = state.kind === "in" ? state.session.csrfToken : null;
  useEffect(() => {
    if (token === null) return;
    live.start();
    const stopWatching = watchUse(() => void get(api(["alarms"])).catch(() => undefined));
    return () => {
      stopWatching();
      live.stop();
    };
  }, [token]);

  if (state.kind === "asking") return <div class="curtain" aria-busy="true" />;
  if (state.kind === "failed")
    return (
      <main class="curtain">
        <Failure error={state.error} retry={ask} />
      </main>
    );
  if (state.kind === "out") return <LoginPage lost={state.lost} onSession={(session) => setState({ kind: "in", session })} />;

  const leave = () => {
    logOut().then(
      () => end(false),
      (error: ApiError) => toast(`Still logged in: ${error.title}.`, "danger"),
    );
  };
  return (
    <SessionContext.Provider value={state.session}>
      <Shell onLogOut={leave} onSession={(session) => setState({ kind: "in", session })}>
        <CurrentPage />
      </Shell>
      <ConfirmHost />
      <Toasts />
    </SessionContext.Provider>
  );
}

function CurrentPage() {
  const { path, query } = usePlace();
  const [title, Page] = pages[path] ?? ["Not found", NotFound];
  const name = query.get("name");
  useEffect(() => {
    document.title = `${name ? `${written(name)} · ` : ""}${title} · GiroMQ`;
  }, [title, name]);
  return <Page key={path} />;
}

function NotFound() {
  return (
    <>
      <PageHead title="There is no such page" />
      <Empty icon="search" title="Nothing is at this address">
        <LinkButton href={href("/")}>To the overview</LinkButton>
      </Empty>
    </>
  );
}
