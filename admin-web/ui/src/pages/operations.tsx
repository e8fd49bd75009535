import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { latest, useOperations } from "../api/live";
import { useMay } from "../api/session";
import type { Operation, Page } from "../api/types";
import { count } from "../lib/format";
import { href, usePlace } from "../router";
import { Age, Badge, Button, Empty, PageHead, Progress, type Tone } from "../ui/basics";
import { ChoiceBox } from "../ui/choice_box";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { toast } from "../ui/toast";

const tones: Record<Operation["state"], Tone> = { running: "accent", done: "good", failed: "danger", cancelled: "neutral" };

export function OperationState({ operation }: { operation: Operation }) {
  return (
    <p class="operation-state">
      <Badge tone={tones[operation.state]}>{operation.state}</Badge>
      <span>
        <strong class="figure">{count(operation.done)}</strong>
        {operation.matched !== null && ` of ${count(operation.matched)}`} done
      </span>
      {operation.skipped > 0 && <span class="muted">{count(operation.skipped)} left alone</span>}
      {operation.failed > 0 && <span class="danger-text">{count(operation.failed)} failed</span>}
    </p>
  );
}

export function OperationsPage() {
  const { query } = usePlace();
  const mayMove = useMay()("move");
  const [cancelling, setCancelling] = useState<string | null>(null);
  const filter = { queue: query.get("queue"), state: query.get("state") };
  const asked = useOperations<Page<Operation>>(path(["operations"], { ...filter, cursor: query.get("cursor"), limit: 50 }), 1000);
  const operations = { ...asked, data: asked.data && { ...asked.data, items: asked.data.items.map(latest) } };
  const cancel = async (id: string) => {
    setCancelling(id);
    try {
      await request("DELETE", path(["operations", id]));
    } catch (error) {
      toast(`It goes on: ${(error as Error).message}`, "danger");
    }
    setCancelling(null);
    operations.reload();
  };
  const columns: Column<Operation>[] = [
    { id: "id", title: "Id", figure: true, render: (one) => <span class="mono">{one.id}</span> },
    { id: "kind", title: "What", render: (one) => one.kind },
    {
      id: "queue",
      title: "Queue",
      grow: true,
      render: (one) => (
        <>
          <a data-row class="name" href={href("/queue", { name: one.queue, tab: "messages" })}>
            {one.queue}
          </a>
          {one.to && (
            <>
              {" "}
              <span class="muted">to</span>{" "}
              <a class="name" href={href("/queue", { name: one.to })}>
                {one.to}
              </a>
            </>
          )}
        </>
      ),
    },
    { id: "state", title: "State", render: (one) => <Badge tone={tones[one.state]}>{one.state}</Badge> },
    {
      id: "progress",
      title: "Progress",
      render: (one) =>
        one.state === "running" ? (
          <Progress value={one.done + one.skipped} of={one.matched} label={`Operation ${one.id}`} />
        ) : (
          <span class="muted">{one.error ?? "–"}</span>
        ),
    },
    { id: "done", title: "Done", figure: true, render: (one) => count(one.done) },
    { id: "skipped", title: "Left alone", figure: true, hideNarrow: true, render: (one) => count(one.skipped) },
    { id: "failed", title: "Failed", figure: true, hideNarrow: true, render: (one) => count(one.failed) },
    { id: "by", title: "By", hideNarrow: true, render: (one) => one.by },
    { id: "started", title: "Started", figure: true, render: (one) => <Age at={one.startedAt} /> },
    {
      id: "cancel",
      title: <span class="hidden">Cancel</span>,
      render: (one) =>
        one.state === "running" &&
        mayMove && (
          <Button small busy={cancelling === one.id} label={`Cancel operation ${one.id}`} icon="close" onClick={() => void cancel(one.id)}>
            Cancel
          </Button>
        ),
    },
  ];
  return (
    <>
      <PageHead
        title="Operations"
        about="Work on many messages: under way, and the last hundred that have ended. What was cancelled can be asked for again."
      />
      <div class="toolbar">
        <SearchBox name="queue" label="Of the queue (whole name)" />
        <ChoiceBox name="state" words={Object.keys(tones)} />
      </div>
      <PagedTable
        label="Operations"
        resource={operations}
        columns={columns}
        keyOf={(one) => one.id}
        skeletonRows={6}
        empty={
          filter.queue || filter.state ? (
            <Nothing title="" filtered />
          ) : (
            <Empty icon="operation" title="Nothing is under way">
              Moving, copying, retrying or deleting many messages shows up here.
            </Empty>
          )
        }
      />
    </>
  );
}
