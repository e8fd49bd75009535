import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Page, Transaction, TransactionMessage } from "../api/types";
import { bytes, count, plural } from "../lib/format";
import { decodeXid, xidEnding, type XidPart } from "../lib/xid";
import { go, href, usePlace } from "../router";
import { Age, Badge, Button, Card, CopyButton, Failure, KeyValues, Notice, PageHead, Skeleton, Time } from "../ui/basics";
import { DangerDialog } from "../ui/dialog";
import { PagedTable, type Column } from "../ui/table";
import { toast } from "../ui/toast";
import { stateTexts } from "./transactions";

type Decision = "commit" | "rollback" | "forget";

export function TransactionPage() {
  const { query } = usePlace();
  const xid = query.get("xid") ?? "";
  const mayResolve = useMay()("resolve-xa");
  const [decision, setDecision] = useState<Decision | null>(null);
  const resource = useResource<Transaction>(path(["transactions", xid]), 5000);
  const messages = useResource<Page<TransactionMessage>>(
    path(["transactions", xid, "messages"], { cursor: query.get("cursor"), limit: 50 }),
  );
  const data = resource.data;
  const decided = data !== null && data.state !== "prepared";
  return (
    <>
      <nav class="crumbs" aria-label="Above">
        <a href={href("/transactions")}>In doubt</a>
      </nav>
      <PageHead
        title="Transaction in doubt"
        badge={data && <Badge tone={decided ? "neutral" : "warning"}>{stateTexts[data.state]}</Badge>}
        about={
          data && (
            <>
              In doubt for <Age at={data.preparedAt} ago={false} />
            </>
          )
        }
      >
        {mayResolve && data && !decided && (
          <Button icon="check" onClick={() => setDecision("commit")}>
            Commit…
          </Button>
        )}
        {mayResolve && data && !decided && (
          <Button icon="retry" onClick={() => setDecision("rollback")}>
            Roll back…
          </Button>
        )}
        {mayResolve && decided && (
          <Button icon="trash" onClick={() => setDecision("forget")}>
            Forget…
          </Button>
        )}
      </PageHead>
      {resource.error && !data ? (
        <Failure error={resource.error} retry={resource.reload} />
      ) : !data ? (
        <Skeleton lines={10} />
      ) : (
        <>
          {decided && (
            <Notice tone="warning">
              <strong>{data.decidedBy} decided this by hand</strong> <Age at={data.decidedAt} />: “{data.reason}”. The transaction manager
              is told when it asks. It stays in the list until the manager, or somebody here, forgets it.
            </Notice>
          )}
          <div class="columns">
            <Card title="Identity">
              <Identity transaction={data} />
            </Card>
            <Card title="Work">
              <KeyValues
                items={[
                  ["User", data.owner],
                  ["Prepared", <Time at={data.preparedAt} />],
                  ["Puts", `${count(data.puts)}, ${bytes(data.bytes)}`],
                  ["Gets", count(data.gets)],
                  ...data.destinations.map((to): [string, ComponentChildren] => [
                    "Queue",
                    <>
                      <a class="name" href={href("/queue", { name: to.name })}>
                        {to.name}
                      </a>{" "}
                      <span class="muted">
                        {plural(to.puts, "put")}, {plural(to.gets, "get")}
                      </span>
                    </>,
                  ]),
                ]}
              />
            </Card>
          </div>
          <Card title="Messages it holds" flush>
            <PagedTable
              label="Messages it holds"
              resource={messages}
              columns={messageColumns}
              keyOf={(one) => `${one.work} ${one.destination} ${one.messageId} ${one.arrivedAt}`}
              skeletonRows={4}
              empty={<p class="card-empty muted">It holds no messages{decided ? " any more" : ""}.</p>}
            />
          </Card>
        </>
      )}
      {data && decision && (
        <DecisionDialog
          transaction={data}
          decision={decision}
          onClose={() => setDecision(null)}
          onDone={() => {
            setDecision(null);
            if (decision === "forget") go(href("/transactions"));
            else {
              resource.reload();
              messages.reload();
            }
          }}
        />
      )}
    </>
  );
}

const messageColumns: Column<TransactionMessage>[] = [
  { id: "work", title: "Work", render: (one) => <Badge tone={one.work === "put" ? "accent" : "neutral"}>{one.work}</Badge> },
  {
    id: "queue",
    title: "Queue",
    render: (one) => (
      <a class="name" href={href("/queue", { name: one.destination })}>
        {one.destination}
      </a>
    ),
  },
  { id: "id", title: "Message id", grow: true, render: (one) => <span class="mono cut">{one.messageId}</span> },
  { id: "type", title: "Type", render: (one) => one.type },
  { id: "bytes", title: "Size", figure: true, render: (one) => bytes(one.bytes) },
  { id: "arrived", title: "Arrived", figure: true, render: (one) => <Time at={one.arrivedAt} /> },
];

function Identity({ transaction }: { transaction: Transaction }) {
  const xid = decodeXid(transaction.xid);
  const part = (one: XidPart) => (
    <span class="xid-part">
      {one.text !== null && <span class="mono wrap">“{one.text}”</span>}
      <span class="mono wrap muted">{one.hex || "empty"}</span>
      <span class="muted">{plural(one.bytes, "byte")}</span>
    </span>
  );
  return (
    <KeyValues
      items={[
        [
          "XID",
          <span class="with-copy">
            <span class="mono wrap">{transaction.xid}</span>
            <CopyButton text={transaction.xid} label="Copy the XID" />
          </span>,
        ],
        [
          "Format",
          <>
            {transaction.formatId} <span class="muted">{transaction.formatName}</span>
          </>,
        ],
        ["Global transaction", xid ? part(xid.gtrid) : null],
        ["Branch", xid ? part(xid.bqual) : null],
      ]}
    />
  );
}

const titles: Record<Decision, string> = {
  commit: "Commit in place of the manager",
  rollback: "Roll back in place of the manager",
  forget: "Forget the decision",
};
const actions: Record<Decision, string> = { commit: "Commit", rollback: "Roll back", forget: "Forget" };

function DecisionDialog({
  transaction,
  decision,
  onClose,
  onDone,
}: {
  transaction: Transaction;
  decision: Decision;
  onClose: () => void;
  onDone: () => void;
}) {
  const decide = async (reason: string) => {
    await request("POST", path(["transactions", transaction.xid, decision]), { body: { reason } });
    toast(decision === "forget" ? "Forgotten." : decision === "commit" ? "Committed." : "Rolled back.");
    onDone();
  };
  return (
    <DangerDialog
      title={titles[decision]}
      action={actions[decision]}
      typed={xidEnding(transaction.xid)}
      typedLabel="end of the XID"
      reason
      onClose={onClose}
      onConfirm={decide}
    >
      {decision === "forget" ? (
        <p>
          Do this only when the transaction manager will never ask for this branch again. After that the broker does not know that it was
          decided by hand.
        </p>
      ) : (
        <>
          <Notice tone="danger">
            <strong>This is a heuristic decision.</strong> The other resources of the transaction do not hear of it. If the manager
            {decision === "commit" ? " rolls back" : " commits"} there, the transaction is half done, and money can be{" "}
            {decision === "commit" ? "there twice" : "gone"}.
          </Notice>
          <p>
            {decision === "commit" ? "The" : "None of the"} {plural(transaction.puts, "message")} it put{" "}
            {decision === "commit" ? "arrive" : "will arrive"}, and the {plural(transaction.gets, "message")} it got{" "}
            {decision === "commit" ? "are gone" : "go back to their places"}. Look at the manager's own log first.
          </p>
        </>
      )}
    </DangerDialog>
  );
}
