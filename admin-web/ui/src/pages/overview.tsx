import type { ComponentChildren } from "preact";
import { path } from "../api/client";
import { ringOf, useLive, type Ring } from "../api/live";
import { useResource } from "../api/resource";
import type { Alarm, History, Overview, Page, Queue, SeriesName } from "../api/types";
import { bytes, compact, count, duration, microseconds, rate } from "../lib/format";
import { href, hrefWith, usePlace } from "../router";
import { Age, Badge, Card, Failure, KeyValues, PageHead, Skeleton, type Tone } from "../ui/basics";
import { Chart, Spark } from "../ui/chart";
import { Icon } from "../ui/icons";
import { Table, type Column } from "../ui/table";

type Range = "5m" | "1h" | "1d";
const stateTones: Record<Overview["state"], Tone> = { ready: "good", starting: "warning", stopping: "warning", failed: "danger" };

export function OverviewPage() {
  const { query } = usePlace();
  const range = (["5m", "1h", "1d"] as Range[]).find((one) => one === query.get("range")) ?? "5m";
  const overview = useResource<Overview>(path(["overview"]), 5000);
  const top = useResource<Page<Queue>>(path(["queues"], { sort: "-messages", limit: 8 }), 5000);
  const data = overview.data;
  if (overview.error && !data) return <Failure error={overview.error} retry={overview.reload} />;
  return (
    <>
      <PageHead
        title={data?.name ?? "Overview"}
        badge={data && <Badge tone={stateTones[data.state]}>{data.state}</Badge>}
        about={data ? `Version ${data.version} · up ${duration(data.uptimeMs)}${data.reason ? ` · ${data.reason}` : ""}` : "…"}
      >
        <div class="segments" role="group" aria-label="Range of the charts">
          {(["5m", "1h", "1d"] as Range[]).map((one) => (
            <a key={one} href={hrefWith({ range: one === "5m" ? null : one })} aria-current={one === range ? "true" : undefined}>
              {one}
            </a>
          ))}
        </div>
      </PageHead>
      <Alarms alarms={data?.alarms ?? null} />
      <Tiles overview={data} />
      <Charts range={range} />
      <div class="columns">
        <Card title="Deepest queues" flush actions={<a href={href("/queues", { sort: "-messages" })}>All queues</a>}>
          {top.error && !top.data ? <Failure error={top.error} retry={top.reload} /> : <TopQueues queues={top.data?.items ?? null} />}
        </Card>
        <Card title="Since the start">{data ? <Totals overview={data} /> : <Skeleton lines={8} />}</Card>
      </div>
    </>
  );
}

function Alarms({ alarms }: { alarms: Alarm[] | null }) {
  const pushed = useLive().alarms;
  const shown = pushed ?? alarms;
  if (shown === null)
    return (
      <div class="alarms">
        <div class="alarm calm muted">…</div>
      </div>
    );
  if (shown.length === 0)
    return (
      <div class="alarms">
        <div class="alarm calm">
          <Icon name="check" />
          <span>No alarms</span>
        </div>
      </div>
    );
  return (
    <ul class="alarms" aria-label="Alarms">
      {shown.map((alarm) => (
        <li key={alarm.id} class={`alarm ${alarm.severity}`}>
          <Icon name="warning" />
          <strong>{alarm.severity === "critical" ? "Critical" : "Warning"}</strong>
          <span class="alarm-text">{alarm.text}</span>
          <AlarmLink alarm={alarm} />
          <span class="muted alarm-since">
            <Age at={alarm.since} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function AlarmLink({ alarm }: { alarm: Alarm }) {
  if (alarm.kind === "dead-letter-depth" && alarm.object)
    return <a href={href("/queue", { name: alarm.object, tab: "messages" })}>{alarm.object}</a>;
  if (alarm.kind === "in-doubt-age") return <a href={href("/transactions")}>In doubt</a>;
  if (alarm.kind === "certificate-expiry") return <a href={href("/certificates")}>Certificates</a>;
  return null;
}

function Tiles({ overview }: { overview: Overview | null }) {
  const { last, ring } = useLive();
  const now = (name: SeriesName) => last?.[name] ?? ring.values[name].at(-1) ?? null;
  const shown = (name: SeriesName, format: (value: number) => string) => {
    const value = now(name);
    return value === null ? null : format(value);
  };
  const tile = (label: string, name: SeriesName | null, value: ComponentChildren, link?: string) => {
    const inside = (
      <>
        <div class="tile-label">{label}</div>
        <div class="tile-value">{value ?? <span class="skeleton w2" />}</div>
        <Spark values={name ? ring.values[name] : []} />
      </>
    );
    return link ? (
      <a key={label} class="tile" href={link}>
        {inside}
      </a>
    ) : (
      <div key={label} class="tile">
        {inside}
      </div>
    );
  };
  return (
    <div class="tiles">
      {tile("Messages", "messages", overview && compact(now("messages") ?? overview.messages), href("/queues", { sort: "-messages" }))}
      {tile("In", "enqueuedRate", shown("enqueuedRate", rate))}
      {tile("Out", "acknowledgedRate", shown("acknowledgedRate", rate))}
      {tile("Commit p99", "commitP99Us", shown("commitP99Us", microseconds))}
      {tile("WAL", "walBytes", overview && bytes(now("walBytes") ?? overview.store.walBytes))}
      {tile("Disk free", "diskFreeBytes", overview && bytes(now("diskFreeBytes") ?? overview.store.freeBytes))}
      {tile("Connections", "connections", overview && count(now("connections") ?? overview.connections), href("/connections"))}
      {tile("In doubt", null, overview && count(overview.transactionsInDoubt), href("/transactions"))}
    </div>
  );
}

function Charts({ range }: { range: Range }) {
  const { ring } = useLive();
  const history = useResource<History>(range === "1d" ? path(["history"], { range: "1d" }) : null, 60_000);
  const shown = range === "1d" ? (history.data ? ringOf(history.data) : null) : range === "5m" ? lastOf(ring, 300) : ring;
  const times = shown?.times ?? [];
  const values = (name: SeriesName) => shown?.values[name] ?? [];
  return (
    <div class="charts">
      <Chart
        title="Rates"
        times={times}
        format={rate}
        series={[
          { label: "In", colour: "--series-1", values: values("enqueuedRate"), fill: true },
          { label: "Out", colour: "--series-2", values: values("acknowledgedRate") },
        ]}
      />
      <Chart
        title="Messages"
        times={times}
        format={compact}
        series={[{ label: "Messages", colour: "--series-1", values: values("messages"), fill: true }]}
      />
      <Chart
        title="Commit latency, p99"
        times={times}
        format={microseconds}
        series={[{ label: "p99", colour: "--series-3", values: values("commitP99Us"), fill: true }]}
      />
      <Chart
        title="Write-ahead log"
        times={times}
        format={bytes}
        binary
        series={[{ label: "WAL", colour: "--series-2", values: values("walBytes"), fill: true }]}
      />
      <Chart
        title="Disk free"
        times={times}
        format={bytes}
        binary
        fromZero={false}
        series={[{ label: "Free", colour: "--series-2", values: values("diskFreeBytes"), fill: true }]}
      />
      <Chart
        title="Memory"
        times={times}
        format={bytes}
        binary
        fromZero={false}
        series={[{ label: "Resident", colour: "--series-1", values: values("memoryBytes"), fill: true }]}
      />
    </div>
  );
}

function lastOf(ring: Ring, seconds: number): Ring {
  const from = (ring.times.at(-1) ?? 0) - seconds;
  const first = Math.max(
    0,
    ring.times.findIndex((time) => time >= from),
  );
  const values = {} as Ring["values"];
  for (const name of Object.keys(ring.values) as SeriesName[]) values[name] = ring.values[name].slice(first);
  return { times: ring.times.slice(first), values };
}

const topColumns: Column<Queue>[] = [
  {
    id: "name",
    title: "Queue",
    grow: true,
    render: (queue) => (
      <a data-row href={href("/queue", { name: queue.name })}>
        {queue.name}
      </a>
    ),
  },
  { id: "messages", title: "Messages", figure: true, render: (queue) => count(queue.messages) },
  { id: "bytes", title: "Size", figure: true, hideNarrow: true, render: (queue) => bytes(queue.bytes) },
  { id: "consumers", title: "Consumers", figure: true, hideNarrow: true, render: (queue) => count(queue.consumers) },
  { id: "oldest", title: "Oldest", figure: true, render: (queue) => <Age at={queue.oldestArrivedAt} ago={false} /> },
];

function TopQueues({ queues }: { queues: Queue[] | null }) {
  return (
    <Table
      label="Deepest queues"
      columns={topColumns}
      rows={queues}
      keyOf={(queue) => queue.name}
      skeletonRows={8}
      empty={<p class="card-empty muted">There are no queues yet.</p>}
    />
  );
}

function Totals({ overview }: { overview: Overview }) {
  const { store } = overview;
  return (
    <KeyValues
      items={[
        ["Received", count(overview.enqueued)],
        ["Delivered", count(overview.delivered)],
        ["Redelivered", count(overview.redelivered)],
        ["Acknowledged", count(overview.acknowledged)],
        ["Expired", count(overview.expired)],
        ["Dead letters", count(overview.deadLettered)],
        ["Duplicates refused", count(overview.duplicates)],
        ["Quarantined", count(overview.quarantined)],
        ["Group commits", `${count(store.commits)} of ${count(store.units)} units`],
        ["Store", bytes(store.storeBytes)],
        ["Memory", bytes(overview.memoryBytes)],
        ["Writable", store.writable ? (store.diskFull ? "no: the disk is full" : "yes") : "no"],
      ]}
    />
  );
}
