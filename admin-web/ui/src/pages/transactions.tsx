import { path } from "../api/client";
import { useResource } from "../api/resource";
import type { Page, Transaction } from "../api/types";
import { bytes, count } from "../lib/format";
import { decodeXid } from "../lib/xid";
import { href, usePlace } from "../router";
import { Age, Badge, Empty, PageHead } from "../ui/basics";
import { PagedTable, type Column } from "../ui/table";

export const stateTexts: Record<Transaction["state"], string> = {
  prepared: "prepared",
  "heuristically-committed": "committed by hand",
  "heuristically-rolled-back": "rolled back by hand",
};

/** What a person can tell transactions apart by: the qualifiers as text where they are text. */
function nameOf(transaction: Transaction): string {
  const xid = decodeXid(transaction.xid);
  if (!xid) return transaction.description;
  return [xid.gtrid, xid.bqual]
    .map((part) => part.text ?? part.hex)
    .filter(Boolean)
    .join(" · ");
}

const columns: Column<Transaction>[] = [
  {
    id: "xid",
    title: "Transaction",
    grow: true,
    render: (one) => (
      <a data-row class="cut wide-cut mono" href={href("/transaction", { xid: one.xid })} title={one.description}>
        {nameOf(one)}
      </a>
    ),
  },
  {
    id: "state",
    title: "State",
    render: (one) => <Badge tone={one.state === "prepared" ? "warning" : "neutral"}>{stateTexts[one.state]}</Badge>,
  },
  { id: "manager", title: "Manager", render: (one) => <span class="muted">{one.formatName}</span> },
  { id: "owner", title: "User", render: (one) => one.owner },
  { id: "puts", title: "Puts", figure: true, render: (one) => count(one.puts) },
  { id: "gets", title: "Gets", figure: true, render: (one) => count(one.gets) },
  { id: "bytes", title: "Size", figure: true, hideNarrow: true, render: (one) => bytes(one.bytes) },
  {
    id: "queues",
    title: "Queues",
    hideNarrow: true,
    render: (one) => <span class="cut">{one.destinations.map((to) => to.name).join(", ") || "–"}</span>,
  },
  { id: "age", title: "In doubt for", figure: true, render: (one) => <Age at={one.preparedAt} ago={false} /> },
];

export function TransactionsPage() {
  const { query } = usePlace();
  const transactions = useResource<Page<Transaction>>(path(["transactions"], { cursor: query.get("cursor"), limit: 50 }), 5000);
  return (
    <>
      <PageHead
        title="Transactions in doubt"
        about="Prepared, and not yet decided by their transaction manager. Deciding here is for when it will not come back."
      />
      <PagedTable
        label="Transactions in doubt"
        resource={transactions}
        columns={columns}
        keyOf={(one) => one.xid}
        empty={<Empty title="Nothing is in doubt">Every global transaction has been decided.</Empty>}
      />
    </>
  );
}
