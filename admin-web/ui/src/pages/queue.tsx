import { useEffect, useRef, useState } from "preact/hooks";
import { path, post, request } from "../api/client";
import { useLive, useWatch } from "../api/live";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Consumer, Page, Producer, Queue, QueueFigures } from "../api/types";
import { bytes, count, plural, rate } from "../lib/format";
import { go, href, usePlace } from "../router";
import { Age, Badge, Button, Card, Failure, Figure, KeyValues, PageHead, Skeleton, Tabs, Time } from "../ui/basics";
import { Chart } from "../ui/chart";
import { DangerDialog } from "../ui/dialog";
import { Check } from "../ui/form";
import { toast } from "../ui/toast";
import { ConsumerTable, ProducerTable } from "./links";
import { MessagesTab } from "./messages";
import { PausedBadge } from "./queues";
import { QueueSettingsTab } from "./queue_settings";

type Asked = null | "purge" | "delete";

export function QueuePage() {
  const { query } = usePlace();
  const name = query.get("name") ?? "";
  const tab = query.get("tab") ?? "overview";
  const may = useMay();
  const resource = useResource<Queue>(path(["queues", name]), 5000);
  const live = useWatch(name ? [name] : []).get(name);
  const [asked, setAsked] = useState<Asked>(null);
  const queue = resource.data;
  if (resource.error && !queue) {
    return (
      <>
        <PageHead title={name || "Queue"} />
        <Failure error={resource.error} retry={resource.reload} />
      </>
    );
  }
  const messages = live?.messages ?? queue?.messages;
  const tabs = [
    { id: "overview", title: "Overview" },
    { id: "messages", title: "Messages", count: messages === undefined ? undefined : count(messages) },
    { id: "clients", title: "Clients", count: queue ? count(queue.consumers + queue.producers) : undefined },
    { id: "settings", title: "Settings" },
  ].map((one) => ({ ...one, href: href("/queue", { name, tab: one.id === "overview" ? null : one.id }) }));
  return (
    <>
      <nav class="crumbs" aria-label="Above">
        <a href={href("/queues")}>Queues</a>
      </nav>
      <PageHead title={<span class="name">{name}</span>} badge={queue && <PausedBadge queue={queue} />}>
        {may("pause") && queue && <PauseButtons queue={queue} onDone={resource.reload} />}
        {may("purge") && queue && (
          <Button icon="trash" onClick={() => setAsked("purge")}>
            Purge
          </Button>
        )}
        {may("delete") && queue && queue.origin !== "configured" && (
          <Button icon="trash" onClick={() => setAsked("delete")}>
            Delete
          </Button>
        )}
      </PageHead>
      <Tabs tabs={tabs} current={tab} label="Of the queue" />
      {!queue ? (
        <Skeleton lines={10} />
      ) : tab === "messages" ? (
        <MessagesTab queue={queue} />
      ) : tab === "clients" ? (
        <Clients name={name} />
      ) : tab === "settings" ? (
        <QueueSettingsTab key={name} resource={resource} mayChange={may("create")} />
      ) : (
        <QueueOverview queue={queue} live={live} />
      )}
      {queue && asked === "purge" && (
        <Purge queue={queue} messages={messages ?? 0} onClose={() => setAsked(null)} onDone={resource.reload} />
      )}
      {queue && asked === "delete" && <Delete queue={queue} onClose={() => setAsked(null)} />}
    </>
  );
}

function PauseButtons({ queue, onDone }: { queue: Queue; onDone: () => void }) {
  const [busy, setBusy] = useState(false);
  const pause = async (what: Partial<Queue["paused"]>) => {
    setBusy(true);
    try {
      await post<Queue>(path(["queues", queue.name, "pause"]), what);
      onDone();
    } catch (error) {
      toast(`Nothing has changed: ${(error as Error).message}`, "danger");
    }
    setBusy(false);
  };
  const { send, receive } = queue.paused ?? { send: false, receive: false };
  return (
    <>
      <Button icon={send ? "play" : "pause"} busy={busy} onClick={() => void pause({ send: !send })}>
        {send ? "Resume sending" : "Pause sending"}
      </Button>
      <Button icon={receive ? "play" : "pause"} busy={busy} onClick={() => void pause({ receive: !receive })}>
        {receive ? "Resume receiving" : "Pause receiving"}
      </Button>
    </>
  );
}

function QueueOverview({ queue, live }: { queue: Queue; live: QueueFigures | undefined }) {
  const now = live ?? queue;
  return (
    <>
      <div class="tiles six">
        <Figure
          label="Messages"
          value={count(now.messages)}
          about={queue.maxMessages > 0 ? `of ${count(queue.maxMessages)} at most` : "no limit"}
        />
        <Figure label="Delivering" value={count(now.delivering)} about="locked by consumers" />
        <Figure label="Size" value={bytes(now.bytes)} about={queue.maxBytes > 0 ? `of ${bytes(queue.maxBytes)} at most` : "no limit"} />
        <Figure label="Oldest" value={<Age at={queue.oldestArrivedAt} ago={false} />} about="in the queue" />
        <Figure label="In" value={live ? rate(live.enqueuedRate) : "–"} about={plural(now.producers, "producer")} />
        <Figure label="Out" value={live ? rate(live.deliveredRate) : "–"} about={plural(now.consumers, "consumer")} />
      </div>
      <QueueCharts name={queue.name} />
      <div class="columns">
        <Card title="Since the start of the broker">
          <KeyValues
            items={[
              ["Received", count(queue.enqueued)],
              ["Delivered", count(queue.delivered)],
              ["Redelivered", count(queue.redelivered)],
              ["Acknowledged", count(queue.acknowledged)],
              ["Expired", count(queue.expired)],
              [
                "Dead-lettered",
                queue.deadLettered > 0 ? (
                  <a href={href("/queue", { name: queue.deadLetterQueue, tab: "messages" })}>{count(queue.deadLettered)}</a>
                ) : (
                  "0"
                ),
              ],
              ["Duplicates refused", count(queue.duplicates)],
              ["Quarantined", count(queue.quarantined)],
              ["Selectors over budget", count(queue.selectorsOverBudget)],
            ]}
          />
        </Card>
        <Card title="About">
          <KeyValues
            items={[
              ["Origin", <Badge>{queue.origin}</Badge>],
              ["Created", <Time at={queue.createdAt} />],
              [
                "Dead-letter queue",
                queue.deadLetterQueue && (
                  <a class="name" href={href("/queue", { name: queue.deadLetterQueue })}>
                    {queue.deadLetterQueue}
                  </a>
                ),
              ],
              ["Deliveries at most", queue.maxDeliveries === 0 ? "no limit" : count(queue.maxDeliveries)],
              ["Strict order", queue.strict ? "yes" : "no"],
              ["At a limit", queue.overflow === "hold" ? "producers are held" : "producers are refused"],
              ["Duplicate detection", `${count(queue.duplicateIdsMax)} ids`],
              ["In memory", plural(queue.windowMessages, "message")],
              ["Different selectors", count(queue.selectors)],
            ]}
          />
        </Card>
      </div>
    </>
  );
}

interface Samples {
  times: number[];
  messages: number[];
  enqueued: number[];
  delivered: number[];
}

/** The broker keeps no history for each queue; what is drawn is what came since the page was opened. */
function QueueCharts({ name }: { name: string }) {
  const { figures, last } = useLive();
  const samples = useRef<Samples>({ times: [], messages: [], enqueued: [], delivered: [] });
  useEffect(() => {
    samples.current = { times: [], messages: [], enqueued: [], delivered: [] };
  }, [name]);
  const now = figures.get(name);
  const held = samples.current;
  const at = last ? Math.floor(Date.parse(last.at) / 1000) : 0;
  if (now && at > (held.times.at(-1) ?? 0)) {
    held.times.push(at);
    held.messages.push(now.messages);
    held.enqueued.push(now.enqueuedRate);
    held.delivered.push(now.deliveredRate);
  }
  return (
    <div class="charts two">
      <Chart
        title="Rates since the page was opened"
        times={held.times}
        format={rate}
        series={[
          { label: "In", colour: "--series-1", values: held.enqueued, fill: true },
          { label: "Out", colour: "--series-2", values: held.delivered },
        ]}
      />
      <Chart
        title="Messages"
        times={held.times}
        format={count}
        series={[{ label: "Messages", colour: "--series-1", values: held.messages, fill: true }]}
      />
    </div>
  );
}

function Clients({ name }: { name: string }) {
  const consumers = useResource<Page<Consumer>>(path(["consumers"], { queue: name, limit: 100 }), 5000);
  const producers = useResource<Page<Producer>>(path(["producers"], { queue: name, limit: 100 }), 5000);
  return (
    <>
      <Card title="Consumers" flush actions={<a href={href("/consumers", { queue: name })}>All</a>}>
        <ConsumerTable onlyFirst resource={consumers} empty={<p class="card-empty muted">Nobody consumes from this queue.</p>} />
      </Card>
      <Card title="Producers" flush actions={<a href={href("/producers", { queue: name })}>All</a>}>
        <ProducerTable onlyFirst resource={producers} empty={<p class="card-empty muted">Nobody has a producer on this queue.</p>} />
      </Card>
    </>
  );
}

function Purge({ queue, messages, onClose, onDone }: { queue: Queue; messages: number; onClose: () => void; onDone: () => void }) {
  const purge = async () => {
    const answer = await post<{ purged: number }>(path(["queues", queue.name, "purge"]));
    toast(`${plural(answer.purged, "message")} purged from ${queue.name}.`);
    onDone();
    onClose();
  };
  return (
    <DangerDialog
      title="Purge the queue"
      action="Purge"
      typed={queue.name}
      typedLabel="name of the queue"
      onClose={onClose}
      onConfirm={purge}
    >
      <p>
        All messages of <strong class="name">{queue.name}</strong> are removed for good: <strong>{plural(messages, "message")}</strong> now.
        Those that consumers or prepared transactions hold stay.
      </p>
    </DangerDialog>
  );
}

function Delete({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [evenIfUsed, setEvenIfUsed] = useState(false);
  const remove = async () => {
    await request("DELETE", path(["queues", queue.name], { evenIfUsed: evenIfUsed || null }));
    toast(`The queue ${queue.name} is deleted.`);
    go(href("/queues"));
  };
  return (
    <DangerDialog
      title="Delete the queue"
      action="Delete"
      typed={queue.name}
      typedLabel="name of the queue"
      onClose={onClose}
      onConfirm={remove}
    >
      <p>
        The queue <strong class="name">{queue.name}</strong> goes with its <strong>{plural(queue.messages, "message")}</strong>, for good.
      </p>
      {queue.consumers > 0 && (
        <Check
          label={`Even though it has ${plural(queue.consumers, "consumer")}, who are ended`}
          checked={evenIfUsed}
          onChange={setEvenIfUsed}
        />
      )}
    </DangerDialog>
  );
}
