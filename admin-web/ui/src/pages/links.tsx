import type { ComponentChildren, ComponentType } from "preact";
import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { useResource, type Resource } from "../api/resource";
import { useMay } from "../api/session";
import type { Consumer, Page, Producer } from "../api/types";
import { count } from "../lib/format";
import { href, usePlace } from "../router";
import { Age, Badge, Button, PageHead } from "../ui/basics";
import { DangerDialog } from "../ui/dialog";
import { TextField } from "../ui/form";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { toast } from "../ui/toast";

type Kind = "consumers" | "producers";

export function ConsumersPage() {
  return (
    <LinksPage<Consumer>
      kind="consumers"
      title="Consumers"
      about="Who receives from which queue, with what credit and how much not yet acknowledged."
      nobody="Nobody consumes"
      table={ConsumerTable}
    />
  );
}

export function ProducersPage() {
  return (
    <LinksPage<Producer>
      kind="producers"
      title="Producers"
      about="Who sends to which queue."
      nobody="Nobody produces"
      table={ProducerTable}
    />
  );
}

function LinksPage<T>({
  kind,
  title,
  about,
  nobody,
  table: LinksTable,
}: {
  kind: Kind;
  title: string;
  about: string;
  nobody: string;
  table: ComponentType<TableOfLinks<T>>;
}) {
  const { query } = usePlace();
  const filter = { queue: query.get("queue"), connection: query.get("connection") };
  const resource = useResource<Page<T>>(path([kind], { ...filter, cursor: query.get("cursor"), limit: 50 }), 3000);
  return (
    <>
      <PageHead title={title} about={about} />
      <div class="toolbar">
        <SearchBox name="queue" label="Of the queue (whole name)" />
      </div>
      <LinksTable resource={resource} empty={<Nothing title={nobody} filtered={Boolean(filter.queue || filter.connection)} />} />
    </>
  );
}

interface TableOfLinks<T> {
  resource: Resource<Page<T>>;
  empty: ComponentChildren;
  onlyFirst?: boolean;
}

export function ConsumerTable(props: TableOfLinks<Consumer>) {
  const columns: Column<Consumer>[] = [
    {
      id: "selector",
      title: "Selector",
      hideNarrow: true,
      render: (one) =>
        one.selector ? (
          <code class="cut" title={one.selector}>
            {one.selector}
          </code>
        ) : (
          <span class="muted">–</span>
        ),
    },
    { id: "credit", title: "Credit", figure: true, render: (one) => count(one.credit) },
    { id: "unacknowledged", title: "Unacknowledged", figure: true, render: (one) => count(one.unacknowledged) },
    { id: "delivered", title: "Delivered", figure: true, hideNarrow: true, render: (one) => count(one.delivered) },
  ];
  return <LinkTable kind="consumers" columns={columns} {...props} />;
}

export function ProducerTable(props: TableOfLinks<Producer>) {
  const columns: Column<Producer>[] = [
    { id: "sent", title: "Sent", figure: true, render: (one) => count(one.sent) },
    { id: "credit", title: "Credit", figure: true, render: (one) => count(one.credit) },
  ];
  return <LinkTable kind="producers" columns={columns} {...props} />;
}

/** What consumers and producers have in common: whose link it is, to which queue, over which connection, and a way to close it. */
function LinkTable<T extends Consumer | Producer>({
  kind,
  columns,
  resource,
  ...table
}: TableOfLinks<T> & { kind: Kind; columns: Column<T>[] }) {
  const all: Column<T>[] = [
    { id: "id", title: "Id", render: (one) => <span class="mono">{one.id}</span> },
    { id: "queue", title: "Queue", grow: true, render: queueOf },
    { id: "user", title: "User", render: (one) => one.user },
    {
      id: "connection",
      title: "Connection",
      figure: true,
      render: (one) => (
        <a data-row class="mono" href={href("/connection", { id: one.connectionId })}>
          {one.connectionId}
        </a>
      ),
    },
    {
      id: "link",
      title: "Link",
      hideNarrow: true,
      render: (one) => (
        <span class="cut mono" title={one.linkName}>
          {one.linkName}
        </span>
      ),
    },
    ...columns,
    { id: "since", title: "Since", figure: true, hideNarrow: true, render: (one) => <Age at={one.since} ago={false} /> },
    {
      id: "close",
      title: <span class="hidden">Close</span>,
      render: (one) => <CloseButton kind={kind} link={one} onClosed={resource.reload} />,
    },
  ];
  return (
    <PagedTable
      label={kind === "consumers" ? "Consumers" : "Producers"}
      resource={resource}
      columns={all}
      keyOf={(one) => String(one.id)}
      skeletonRows={5}
      {...table}
    />
  );
}

function queueOf(link: Consumer | Producer): ComponentChildren {
  if (link.queue === null) return <span class="muted">each message says</span>;
  return (
    <>
      <a class="name" href={href("/queue", { name: link.queue })}>
        {link.queue}
      </a>
      {"browser" in link && link.browser && (
        <>
          {" "}
          <Badge>browser</Badge>
        </>
      )}
    </>
  );
}

function CloseButton({ kind, link, onClosed }: { kind: Kind; link: Consumer | Producer; onClosed: () => void }) {
  const mayClose = useMay()("close");
  const [asked, setAsked] = useState(false);
  if (!mayClose) return null;
  const one = kind === "consumers" ? "consumer" : "producer";
  return (
    <>
      <Button small kind="quiet" icon="close" label={`Close ${one} ${link.id}`} onClick={() => setAsked(true)} />
      {asked && (
        <CloseDialog kind={one} id={link.id} onClose={() => setAsked(false)} onDone={onClosed}>
          {kind === "consumers" ? "What it has not acknowledged goes back to the queue, to where it was. " : ""}Its client is told, and may
          attach again.
        </CloseDialog>
      )}
    </>
  );
}

/** Closing disturbs a client, and rolls back what it has not committed; so it asks for the number, and for a reason to tell the client. */
export function CloseDialog({
  kind,
  id,
  children,
  onClose,
  onDone,
}: {
  kind: "connection" | "consumer" | "producer";
  id: number;
  children: ComponentChildren;
  onClose: () => void;
  onDone: () => void;
}) {
  const [reason, setReason] = useState("");
  const close = async () => {
    await request("DELETE", path([`${kind}s`, id]), { body: reason.trim() ? { reason: reason.trim() } : {} });
    toast("Told to close.");
    onClose();
    onDone();
  };
  return (
    <DangerDialog
      title={`Close ${kind} ${id}`}
      action="Close it"
      typed={String(id)}
      typedLabel={`number of the ${kind}`}
      onClose={onClose}
      onConfirm={close}
    >
      <p>{children}</p>
      <TextField label="Reason" value={reason} onInput={setReason} maxLength={256} hint="Told to the client; may be left out." />
    </DangerDialog>
  );
}
