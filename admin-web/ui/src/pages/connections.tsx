import { useState } from "preact/hooks";
import { path } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Connection, Page } from "../api/types";
import { count } from "../lib/format";
import { href, usePlace } from "../router";
import { Button, PageHead } from "../ui/basics";
import { Icon } from "../ui/icons";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { CloseDialog } from "./links";

export function ConnectionsPage() {
  const { query } = usePlace();
  const mayClose = useMay()("close");
  const [closing, setClosing] = useState<Connection | null>(null);
  const sort = query.get("sort") ?? "id";
  const filter = { name: query.get("filter"), user: query.get("user"), peer: query.get("peer") };
  const connections = useResource<Page<Connection>>(
    path(["connections"], { ...filter, sort, cursor: query.get("cursor"), limit: 50 }),
    3000,
  );
  const columns: Column<Connection>[] = [
    {
      id: "id",
      title: "Id",
      sort: "id",
      render: (one) => (
        <a data-row class="mono" href={href("/connection", { id: one.id })}>
          {one.id}
        </a>
      ),
    },
    {
      id: "container",
      title: "Client",
      grow: true,
      render: (one) => (
        <span class="name" title={one.containerId}>
          {one.containerId}
        </span>
      ),
    },
    { id: "user", title: "User", render: (one) => one.user },
    {
      id: "peer",
      title: "Address",
      render: (one) => (
        <span class="with-icon mono">
          {one.peer}
          {one.encrypted && (
            <span title="Encrypted (TLS)">
              <Icon name="lock" size={12} />
              <span class="hidden">encrypted</span>
            </span>
          )}
        </span>
      ),
    },
    { id: "sessions", title: "Sessions", figure: true, hideNarrow: true, render: (one) => count(one.sessions) },
    { id: "consumers", title: "Consumers", sort: "consumers", first: "down", figure: true, render: (one) => count(one.consumers) },
    { id: "producers", title: "Producers", sort: "producers", first: "down", figure: true, render: (one) => count(one.producers) },
    {
      id: "in",
      title: "Messages in",
      sort: "messagesIn",
      first: "down",
      figure: true,
      hideNarrow: true,
      render: (one) => count(one.messagesIn),
    },
    {
      id: "out",
      title: "Messages out",
      sort: "messagesOut",
      first: "down",
      figure: true,
      hideNarrow: true,
      render: (one) => count(one.messagesOut),
    },
    {
      id: "close",
      title: <span class="hidden">Close</span>,
      render: (one) =>
        mayClose && <Button small kind="quiet" icon="close" label={`Close connection ${one.id}`} onClick={() => setClosing(one)} />,
    },
  ];
  return (
    <>
      <PageHead title="Connections" />
      <div class="toolbar">
        <SearchBox name="filter" label="Client" />
        <SearchBox name="user" label="User (whole name)" />
        <SearchBox name="peer" label="Address" />
      </div>
      <PagedTable
        label="Connections"
        resource={connections}
        columns={columns}
        keyOf={(one) => String(one.id)}
        sort={sort}
        empty={<Nothing title="No client is connected" filtered={Boolean(filter.name || filter.user || filter.peer)} />}
      />
      {closing && (
        <CloseDialog
          kind="connection"
          id={closing.id}
          onClose={() => setClosing(null)}
          onDone={connections.reload}
        >
          <strong class="name">{closing.containerId}</strong> at {closing.peer} is told and may come again. What it has not acknowledged
          goes back to its queues, its open transactions are rolled back, and what is prepared stays prepared.
        </CloseDialog>
      )}
    </>
  );
}
