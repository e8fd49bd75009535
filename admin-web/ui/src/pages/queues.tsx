import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { useWatch } from "../api/live";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Page, Queue, QueueFigures } from "../api/types";
import { bytes, count, rate } from "../lib/format";
import { go, href, setQuery, usePlace } from "../router";
import { Age, Badge, Button, PageHead } from "../ui/basics";
import { ChoiceBox } from "../ui/choice_box";
import { FormDialog } from "../ui/dialog";
import { TextField } from "../ui/form";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { QueueSettingsFields, settingsOf, startingSettings, type SettingsForm } from "./queue_settings";

const pageSize = 50;

export function QueuesPage() {
  const { query } = usePlace();
  const mayCreate = useMay()("create");
  const filter = { name: query.get("filter"), origin: query.get("origin"), state: query.get("state") };
  const sort = query.get("sort") ?? "name";
  const queues = useResource<Page<Queue>>(path(["queues"], { ...filter, sort, cursor: query.get("cursor"), limit: pageSize }), 5000);
  const figures = useWatch(queues.data?.items.map((queue) => queue.name) ?? []);
  const filtered = Boolean(filter.name || filter.origin || filter.state);
  return (
    <>
      <PageHead title="Queues">
        {mayCreate && (
          <Button kind="primary" icon="plus" onClick={() => setQuery({ create: "1" })}>
            Create queue
          </Button>
        )}
      </PageHead>
      <div class="toolbar">
        <SearchBox name="filter" label="Filter by name" />
        <ChoiceBox name="state" words={["running", "paused"]} />
        <ChoiceBox name="origin" words={["configured", "administrator", "automatic", "temporary"]} />
      </div>
      <PagedTable
        label="Queues"
        resource={queues}
        columns={columnsWith(figures)}
        keyOf={(queue) => queue.name}
        sort={sort}
        skeletonRows={20}
        empty={
          <Nothing title="No queues yet" filtered={filtered}>
            Applications that may create queues make them by using them; or create one here.
          </Nothing>
        }
      />
      {query.get("create") === "1" && mayCreate && <CreateQueue />}
    </>
  );
}

function columnsWith(figures: Map<string, QueueFigures>): Column<Queue>[] {
  const now = (queue: Queue) => figures.get(queue.name) ?? queue;
  const rateOf = (queue: Queue, name: "enqueuedRate" | "deliveredRate") => {
    const live = figures.get(queue.name);
    return live ? live[name] > 0 ? rate(live[name]) : <span class="muted">0</span> : <span class="muted">–</span>;
  };
  return [
    {
      id: "name",
      title: "Name",
      sort: "name",
      grow: true,
      render: (queue) => (
        <span class="name-cell">
          <a data-row class="name" href={href("/queue", { name: queue.name })} title={queue.name}>
            {queue.name}
          </a>
          <PausedBadge queue={queue} />
          {queue.quarantined > 0 && <Badge tone="danger">{count(queue.quarantined)} quarantined</Badge>}
        </span>
      ),
    },
    { id: "messages", title: "Messages", sort: "messages", first: "down", figure: true, render: (queue) => count(now(queue).messages) },
    { id: "delivering", title: "Delivering", figure: true, hideNarrow: true, render: (queue) => count(now(queue).delivering) },
    { id: "bytes", title: "Size", sort: "bytes", first: "down", figure: true, render: (queue) => bytes(now(queue).bytes) },
    { id: "in", title: "In", figure: true, hideNarrow: true, render: (queue) => rateOf(queue, "enqueuedRate") },
    { id: "out", title: "Out", figure: true, hideNarrow: true, render: (queue) => rateOf(queue, "deliveredRate") },
    {
      id: "consumers",
      title: "Consumers",
      sort: "consumers",
      first: "down",
      figure: true,
      hideNarrow: true,
      render: (queue) => count(now(queue).consumers),
    },
    {
      id: "producers",
      title: "Producers",
      sort: "producers",
      first: "down",
      figure: true,
      hideNarrow: true,
      render: (queue) => count(now(queue).producers),
    },
    {
      id: "oldest",
      title: "Oldest",
      sort: "oldestArrivedAt",
      figure: true,
      hideNarrow: true,
      // The live figures may know already that the oldest has gone.
      render: (queue) => <Age at={now(queue).messages > 0 ? queue.oldestArrivedAt : null} ago={false} />,
    },
    {
      id: "dead",
      title: "Dead-lettered",
      sort: "deadLettered",
      first: "down",
      figure: true,
      hideNarrow: true,
      render: (queue) => count(queue.deadLettered),
    },
  ];
}

export function PausedBadge({ queue }: { queue: Queue }) {
  const { send, receive } = queue.paused ?? { send: false, receive: false };
  if (!send && !receive) return null;
  return <Badge tone="warning">{send && receive ? "Paused" : send ? "Sending paused" : "Receiving paused"}</Badge>;
}

function CreateQueue() {
  const [name, setName] = useState("");
  const [settings, setSettings] = useState<SettingsForm>(startingSettings);
  const close = () => setQuery({ create: null }, { replace: true });
  const create = async () => {
    await request<Queue>("PUT", path(["queues", name]), { body: settingsOf(settings), headers: {} });
    go(href("/queue", { name }));
  };
  return (
    <FormDialog title="Create queue" action="Create" onClose={close} onSubmit={create} disabled={name.trim() === ""} wide>
      <TextField
        label="Name"
        value={name}
        onInput={setName}
        mono
        required
        autoFocus
        maxLength={255}
        hint="Words divided by dots, such as payments.in."
      />
      <details>
        <summary>Settings</summary>
        <p class="muted">What is left empty is the broker's default.</p>
        <QueueSettingsFields form={settings} onChange={setSettings} />
      </details>
    </FormDialog>
  );
}
