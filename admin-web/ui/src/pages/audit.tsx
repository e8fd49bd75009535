import { useState } from "preact/hooks";
import { get, path } from "../api/client";
import { useResource } from "../api/resource";
import type { AuditRecord, AuditVerification, Page } from "../api/types";
import { count } from "../lib/format";
import { hrefWith, setQuery, usePlace } from "../router";
import { Badge, Button, Empty, KeyValues, Notice, PageHead, Time } from "../ui/basics";
import { ChoiceBox } from "../ui/choice_box";
import { AttemptError, Dialog, useAttempt } from "../ui/dialog";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";

const tones: Record<string, "good" | "danger" | "neutral"> = { done: "good", begun: "neutral", cancelled: "neutral" };

export function AuditPage() {
  const { query } = usePlace();
  const filter = { user: query.get("user"), action: query.get("action"), object: query.get("object"), outcome: query.get("outcome") };
  const records = useResource<Page<AuditRecord>>(path(["audit"], { ...filter, cursor: query.get("cursor"), limit: 50 }));
  const open = query.get("record");
  const record = open === null ? undefined : records.data?.items.find((one) => String(one.number) === open);
  const columns: Column<AuditRecord>[] = [
    {
      id: "number",
      title: "No.",
      figure: true,
      render: (one) => (
        <a data-row class="mono" href={hrefWith({ record: one.number })}>
          {one.number}
        </a>
      ),
    },
    { id: "at", title: "When", render: (one) => <Time at={one.at} /> },
    { id: "user", title: "User", render: (one) => one.user || <span class="muted">–</span> },
    { id: "action", title: "Action", render: (one) => one.action },
    {
      id: "object",
      title: "Object",
      grow: true,
      render: (one) => (
        <span class="cut wide-cut name" title={one.object}>
          {one.object}
        </span>
      ),
    },
    { id: "outcome", title: "Outcome", render: (one) => <Badge tone={tones[one.outcome] ?? "danger"}>{one.outcome}</Badge> },
    { id: "peer", title: "From", hideNarrow: true, render: (one) => <span class="mono">{one.peer}</span> },
    { id: "protocol", title: "By", hideNarrow: true, render: (one) => one.protocol },
  ];
  return (
    <>
      <PageHead title="Audit log" about="Who did what, when and from where; written in the same transaction as what it tells of." />
      <Chain />
      <div class="toolbar">
        <SearchBox name="user" label="User" />
        <SearchBox name="action" label="Action begins with" />
        <SearchBox name="object" label="Object begins with" />
        <ChoiceBox name="outcome" words={["done", "begun", "failed", "cancelled", "refused"]} />
      </div>
      <PagedTable
        label="Audit log"
        resource={records}
        columns={columns}
        keyOf={(one) => String(one.number)}
        skeletonRows={15}
        empty={
          Object.values(filter).some(Boolean) ? <Nothing title="" filtered /> : <Empty icon="audit" title="Nothing has been recorded yet" />
        }
      />
      {record && (
        <Dialog title={`Record ${record.number}`} onClose={() => setQuery({ record: null }, { replace: true })}>
          <div class="dialog-body">
            <KeyValues
              items={[
                ["When", <Time at={record.at} />],
                ["User", record.user],
                ["From", <span class="mono">{record.peer}</span>],
                ["By", record.protocol],
                ["Action", record.action],
                ["Object", <span class="wrap">{record.object}</span>],
                ["Outcome", record.outcome],
                ["Detail", <span class="wrap">{record.detail}</span>],
                ["Hash", <span class="mono wrap">{record.hash}</span>],
              ]}
            />
          </div>
        </Dialog>
      )}
    </>
  );
}

function Chain() {
  const [result, setResult] = useState<AuditVerification | null>(null);
  const { busy, error, attempt } = useAttempt();
  return (
    <div class="chain">
      <Button
        icon="check"
        busy={busy}
        onClick={() => void attempt(async () => setResult(await get<AuditVerification>(path(["audit", "verify"]))))}
      >
        Verify the chain
      </Button>
      <div role="status" class="chain-result">
        <AttemptError error={error} />
        {!result ? (
          <span class="muted">Each record holds the hash of the one before, so that nothing can be changed or taken out unseen.</span>
        ) : result.intact ? (
          <Notice tone="good">
            <strong>Intact:</strong> {count(result.records)} records, the last with the hash <span class="mono wrap">{result.head}</span>.
            Keep it elsewhere to compare with later.
          </Notice>
        ) : (
          <Notice tone="danger">
            <strong>Broken at record {result.firstBad}.</strong> It, or one before it, was changed outside of the broker.
          </Notice>
        )}
      </div>
    </div>
  );
}
