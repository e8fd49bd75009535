import { useEffect, useState } from "preact/hooks";
import { path } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { MessagePage, MessageSummary, Queue } from "../api/types";
import { bytes, count, plural } from "../lib/format";
import { hrefWith, setQuery, usePlace } from "../router";
import { Age, Badge, Button, Failure, type Tone } from "../ui/basics";
import { Icon } from "../ui/icons";
import { Pager, Table, type Column } from "../ui/table";
import { MessageActions, type Chosen } from "./message_actions";
import { MessagePanel } from "./message_panel";
import { SelectorBar } from "./selector_bar";
import { SendDialog } from "./send";

const pageSize = 50;
const stateTones: Record<MessageSummary["state"], Tone> = {
  available: "neutral",
  delivering: "accent",
  prepared: "warning",
  scheduled: "neutral",
  damaged: "danger",
};
/** Columns that can be added: c=type,bytes in the address. */
const optional = ["messageId", "correlationId", "type", "priority", "deliveries", "user", "group", "expires", "reason", "origin"] as const;
type Optional = (typeof optional)[number];
const optionalTitles: Record<Optional, string> = {
  messageId: "Message id",
  correlationId: "Correlation id",
  type: "Type",
  priority: "Priority",
  deliveries: "Deliveries",
  user: "User",
  group: "Group",
  expires: "Expires",
  reason: "Dead-letter reason",
  origin: "Dead-letter origin",
};

export function MessagesTab({ queue }: { queue: Queue }) {
  const { query } = usePlace();
  const mayMove = useMay()("move");
  const selector = query.get("selector") ?? "";
  const syntax = query.get("syntax") ?? "";
  const cursor = query.get("cursor");
  const open = query.get("message");
  const messages = useResource<MessagePage>(
    path(["queues", queue.name, "messages"], { selector, syntax: selector ? syntax : null, cursor, limit: pageSize }),
  );
  const [picked, setPicked] = useState<Set<string>>(new Set());
  const [sending, setSending] = useState(false);
  useEffect(() => setPicked(new Set()), [queue.name, selector, cursor]);
  const page = messages.data;
  const isDeadLetters = page?.items.some((message) => message.deadLetter !== null) ?? false;
  const chosen: Chosen =
    picked.size > 0
      ? { kind: "ids", ids: [...picked] }
      : selector
        ? { kind: "selector", selector, syntax: syntax === "xml" ? "xml" : "sql" }
        : { kind: "all" };
  const changed = () => {
    setPicked(new Set());
    messages.reload();
  };
  const pick = (id: string, on: boolean) => {
    const next = new Set(picked);
    if (on) next.add(id);
    else next.delete(id);
    setPicked(next);
  };
  return (
    <>
      <SelectorBar key={queue.name} />
      <div class="toolbar">
        {mayMove && <MessageActions queue={queue} chosen={chosen} retryable={isDeadLetters} onChanged={changed} />}
        <span class="spacer" />
        <ColumnsMenu shown={shownColumns(query.get("c"), isDeadLetters)} />
        <Button icon="refresh" label="Look again" onClick={messages.reload} busy={messages.loading && page !== null} />
        {mayMove && (
          <Button icon="send" onClick={() => setSending(true)}>
            Send message
          </Button>
        )}
      </div>
      <div class={open ? "split open" : "split"}>
        <div class="split-list">
          {messages.error && !page ? (
            <Failure error={messages.error} retry={messages.reload} />
          ) : (
            <>
              <Table
                label={`Messages of ${queue.name}`}
                rows={page?.items ?? null}
                keyOf={(message) => message.id}
                skeletonRows={16}
                columns={columnsOf(queue, shownColumns(query.get("c"), isDeadLetters), picked, pick, page?.items ?? [], mayMove, setPicked)}
                selected={(message) => message.id === open}
                empty={<NoMessages page={page} selector={selector} />}
              />
              {page && <Searched page={page} selector={selector} />}
              <Pager nextCursor={page?.nextCursor ?? null} shown={page?.items.length ?? 0} />
            </>
          )}
        </div>
        {open && <MessagePanel key={open} queue={queue} id={open} onChanged={changed} />}
      </div>
      {sending && <SendDialog queue={queue.name} onClose={() => setSending(false)} onSent={changed} />}
    </>
  );
}

function NoMessages({ page, selector }: { page: MessagePage | null; selector: string }) {
  const searching = page?.nextCursor !== null;
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={selector ? "search" : "queue"} size={22} />
      </span>
      <p class="empty-title">{!selector ? "The queue is empty" : searching ? "No match so far" : "No message matches"}</p>
      <div class="empty-text">
        {!selector && "What is sent to it shows up here; looking takes nothing away."}
        {selector && page && !searching && `All ${plural(page.searched, "message")} of the rest of the queue were looked at.`}
        {selector && page && searching && (
          <>
            <p>{plural(page.searched, "message")} were looked at. The search stops now and then so that it disturbs nobody.</p>
            <Button kind="primary" onClick={() => setQuery({ cursor: page.nextCursor })}>
              Search on
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

function Searched({ page, selector }: { page: MessagePage; selector: string }) {
  if (!selector || page.items.length === 0) return null;
  return (
    <p class="table-note muted">
      {plural(page.items.length, "match", "matches")} among {plural(page.searched, "message")} looked at.
    </p>
  );
}

function shownColumns(parameter: string | null, deadLetters: boolean): Optional[] {
  if (parameter === null)
    return deadLetters ? ["messageId", "reason", "origin", "deliveries"] : ["messageId", "correlationId", "type", "deliveries"];
  return optional.filter((one) => parameter.split(",").includes(one));
}

function ColumnsMenu({ shown }: { shown: Optional[] }) {
  return (
    <details
      class="menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.currentTarget.open = false;
        event.currentTarget.querySelector("summary")?.focus();
      }}
    >
      <summary class="button plain">
        <Icon name="menu" />
        <span>Columns</span>
      </summary>
      <div class="menu-list">
        {optional.map((one) => (
          <label key={one} class="check">
            <input
              type="checkbox"
              checked={shown.includes(one)}
              onChange={(event) => {
                const next = event.currentTarget.checked ? [...shown, one] : shown.filter((other) => other !== one);
                setQuery({ c: next.join(",") || "none" }, { replace: true });
              }}
            />
            <span>{optionalTitles[one]}</span>
          </label>
        ))}
      </div>
    </details>
  );
}

/** Most messages are available; only what is not is worth a look. */
function state({ state }: MessageSummary) {
  if (state === "available") return <span class="muted">{state}</span>;
  return <Badge tone={stateTones[state]}>{state}</Badge>;
}

function columnsOf(
  queue: Queue,
  shown: Optional[],
  picked: Set<string>,
  pick: (id: string, on: boolean) => void,
  items: MessageSummary[],
  mayPick: boolean,
  pickAll: (ids: Set<string>) => void,
): Column<MessageSummary>[] {
  const renders: Record<Optional, Column<MessageSummary>["render"]> = {
    messageId: (message) => <span class="cut mono">{message.messageId ?? "–"}</span>,
    correlationId: (message) => <span class="cut mono">{message.correlationId ?? "–"}</span>,
    type: (message) => message.type,
    priority: (message) => message.priority,
    deliveries: (message) => count(message.deliveryCount),
    user: (message) => message.userId ?? "–",
    group: (message) => <span class="cut">{message.groupId ?? "–"}</span>,
    expires: (message) => <Age at={message.expiresAt} ago={false} />,
    reason: (message) => (
      <span class="cut" title={message.deadLetter?.description}>
        {message.deadLetter?.reason ?? "–"}
      </span>
    ),
    origin: (message) => <span class="cut">{message.deadLetter?.origin ?? "–"}</span>,
  };
  const all = items.length > 0 && items.every((message) => picked.has(message.id));
  const columns: Column<MessageSummary>[] = [];
  if (mayPick) {
    columns.push({
      id: "pick",
      title: (
        <input
          type="checkbox"
          aria-label="Select all of the page"
          checked={all}
          onChange={(event) => pickAll(new Set(event.currentTarget.checked ? items.map((message) => message.id) : []))}
        />
      ),
      render: (message) => (
        <input
          type="checkbox"
          aria-label={`Select message ${message.id}`}
          checked={picked.has(message.id)}
          onChange={(event) => pick(message.id, event.currentTarget.checked)}
        />
      ),
    });
  }
  columns.push({
    id: "id",
    title: "Position",
    figure: true,
    render: (message) => (
      <a data-row class="mono" href={hrefWith({ message: message.id })} title={`Message ${message.id} of ${queue.name}`}>
        {message.id}
      </a>
    ),
  });
  columns.push({ id: "state", title: "State", render: state });
  for (const one of shown) {
    columns.push({
      id: one,
      title: optionalTitles[one],
      figure: one === "priority" || one === "deliveries",
      grow: one === "messageId",
      render: renders[one],
    });
  }
  columns.push({ id: "bytes", title: "Size", figure: true, render: (message) => bytes(message.bytes) });
  columns.push({ id: "arrived", title: "Arrived", figure: true, render: (message) => <Age at={message.arrivedAt} /> });
  return columns;
}
