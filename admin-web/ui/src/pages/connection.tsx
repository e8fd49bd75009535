import { useState } from "preact/hooks";
import { path } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { AmqpSession, ConnectionDetail, Consumer, Page, Producer } from "../api/types";
import { bytes, count } from "../lib/format";
import { go, href, usePlace } from "../router";
import { Button, Card, Failure, KeyValues, PageHead, Skeleton } from "../ui/basics";
import { Table, type Column } from "../ui/table";
import { CloseDialog, ConsumerTable, ProducerTable } from "./links";

const sessionColumns: Column<AmqpSession>[] = [
  { id: "number", title: "Session", figure: true, render: (one) => <span class="mono">{one.number}</span> },
  { id: "consumers", title: "Consumers", figure: true, render: (one) => count(one.consumers) },
  { id: "producers", title: "Producers", figure: true, render: (one) => count(one.producers) },
  { id: "transactions", title: "Open transactions", figure: true, render: (one) => count(one.transactions) },
  { id: "in", title: "Unsettled in", figure: true, render: (one) => count(one.unsettledIn) },
  { id: "out", title: "Unsettled out", figure: true, render: (one) => count(one.unsettledOut) },
  { id: "unread", title: "Not read", figure: true, hideNarrow: true, render: (one) => bytes(one.bytesUnread) },
  { id: "unwritten", title: "Not written", figure: true, hideNarrow: true, render: (one) => bytes(one.bytesUnwritten) },
];

export function ConnectionPage() {
  const { query } = usePlace();
  const id = query.get("id") ?? "0";
  const mayClose = useMay()("close");
  const [closing, setClosing] = useState(false);
  const connection = useResource<ConnectionDetail>(path(["connections", id]), 3000);
  const consumers = useResource<Page<Consumer>>(path(["consumers"], { connection: id, limit: 100 }), 3000);
  const producers = useResource<Page<Producer>>(path(["producers"], { connection: id, limit: 100 }), 3000);
  const data = connection.data;
  return (
    <>
      <nav class="crumbs" aria-label="Above">
        <a href={href("/connections")}>Connections</a>
      </nav>
      <PageHead
        title={
          <>
            Connection <span class="mono">{id}</span>
          </>
        }
        about={data?.containerId}
      >
        {mayClose && data && (
          <Button icon="close" onClick={() => setClosing(true)}>
            Close
          </Button>
        )}
      </PageHead>
      {connection.error && !data ? (
        <Failure error={connection.error} retry={connection.reload} />
      ) : (
        <>
          <Card>
            {data ? (
              <KeyValues
                items={[
                  ["Client", data.containerId],
                  ["User", data.user],
                  ["Address", <span class="mono">{data.peer}</span>],
                  ["Encrypted", data.encrypted ? "yes, TLS" : "no"],
                  ["Messages in", count(data.messagesIn)],
                  ["Messages out", count(data.messagesOut)],
                ]}
              />
            ) : (
              <Skeleton lines={6} />
            )}
          </Card>
          <Card title="Sessions" flush>
            <Table
              label="Sessions"
              columns={sessionColumns}
              rows={data?.sessionList ?? null}
              keyOf={(one) => String(one.number)}
              skeletonRows={1}
              empty={<p class="card-empty muted">It has no sessions.</p>}
            />
          </Card>
          <Card title="Consumers" flush actions={<a href={href("/consumers", { connection: id })}>All</a>}>
            <ConsumerTable onlyFirst resource={consumers} empty={<p class="card-empty muted">It has no consumers.</p>} />
          </Card>
          <Card title="Producers" flush actions={<a href={href("/producers", { connection: id })}>All</a>}>
            <ProducerTable onlyFirst resource={producers} empty={<p class="card-empty muted">It has no producers.</p>} />
          </Card>
        </>
      )}
      {closing && (
        <CloseDialog
          kind="connection"
          id={Number(id)}
          onClose={() => setClosing(false)}
          onDone={() => go(href("/connections"))}
        >
          Its client is told and may come again. What it has not acknowledged goes back to its queues, and its open transactions are rolled
          back.
        </CloseDialog>
      )}
    </>
  );
}
