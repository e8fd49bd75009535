import { useState } from "preact/hooks";
import { download, path } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Message, MessagesDone, Operation, Property, Queue } from "../api/types";
import { bytes, count } from "../lib/format";
import { href, hrefWith, setQuery, usePlace } from "../router";
import { Age, Badge, Button, CopyButton, Failure, KeyValues, Notice, Skeleton, Tabs, Time } from "../ui/basics";
import { toast } from "../ui/toast";
import { ActionDialog, doneTexts, failureTexts } from "./message_actions";
import { BodyView } from "./message_body";

type Action = "move" | "copy" | "retry" | "delete";

/** One message beside the list it is in. Which one and what of it is in the address. */
export function MessagePanel({ queue, id, onChanged }: { queue: Queue; id: string; onChanged: () => void }) {
  const { query } = usePlace();
  const mayMove = useMay()("move");
  const view = query.get("view") ?? "body";
  const [action, setAction] = useState<Action | null>(null);
  const [bytesMax, setBytesMax] = useState(65_536);
  const resource = useResource<Message>(path(["queues", queue.name, "messages", id], { body: "text", bodyBytesMax: bytesMax }));
  const message = resource.data;
  const close = hrefWith({ message: null, view: null });
  const tabs = [
    { id: "body", title: "Body" },
    { id: "properties", title: "Properties", count: message ? count(message.properties.length) : undefined },
    { id: "headers", title: "Headers" },
    ...(message && message.annotations.length > 0
      ? [{ id: "annotations", title: "Annotations", count: count(message.annotations.length) }]
      : []),
  ].map((one) => ({ ...one, href: hrefWith({ view: one.id === "body" ? null : one.id }) }));
  const finished = (result: MessagesDone | Operation) => {
    setAction(null);
    const failed = "startedAt" in result ? undefined : result.failed[0];
    if (failed) toast(`Nothing has changed: ${failureTexts[failed.code] ?? failed.code}.`, "danger");
    else toast(`Message ${doneTexts[action!]}.`);
    if (!failed && action !== "copy") setQuery({ message: null, view: null }, { replace: true });
    onChanged();
  };
  return (
    <aside class="panel" aria-label={`Message ${id}`}>
      <div class="panel-head">
        <div>
          <h2>
            Message <span class="mono">{id}</span>
          </h2>
          <p class="muted">
            {message ? (
              <>
                {bytes(message.bytes)} · arrived <Age at={message.arrivedAt} />
              </>
            ) : (
              "…"
            )}
          </p>
        </div>
        <a class="button quiet icon-only" data-escape href={close} aria-label="Close the message" title="Close the message (Esc)">
          <span aria-hidden="true">✕</span>
        </a>
      </div>
      {resource.error && !message ? (
        <Failure error={resource.error} retry={resource.reload} />
      ) : !message ? (
        <Skeleton lines={10} />
      ) : (
        <>
          <DeadLetterNote message={message} />
          {mayMove && (
            <div class="toolbar">
              <Button small icon="move" onClick={() => setAction("move")}>
                Move
              </Button>
              <Button small icon="copy" onClick={() => setAction("copy")}>
                Copy
              </Button>
              {message.deadLetter && (
                <Button small icon="retry" onClick={() => setAction("retry")}>
                  Retry
                </Button>
              )}
              <Button small icon="trash" onClick={() => setAction("delete")}>
                Delete
              </Button>
              <span class="spacer" />
              {!message.bodyWithheld && (
                <Button small icon="download" onClick={() => download(path(["queues", queue.name, "messages", id, "body"]))}>
                  Download
                </Button>
              )}
            </div>
          )}
          <Tabs label="Of the message" tabs={tabs} current={view} />
          {view === "properties" ? (
            <Properties properties={message.properties} none="It has no properties." />
          ) : view === "annotations" ? (
            <Properties properties={message.annotations} none="It has no annotations." />
          ) : view === "headers" ? (
            <Headers message={message} />
          ) : (
            <BodyView message={message} onMore={bytesMax < 1_048_576 ? () => setBytesMax(1_048_576) : undefined} />
          )}
        </>
      )}
      {action && (
        <ActionDialog
          action={action}
          queue={queue}
          chosen={{ kind: "ids", ids: [id] }}
          onClose={() => setAction(null)}
          onFinished={finished}
        />
      )}
    </aside>
  );
}

function DeadLetterNote({ message }: { message: Message }) {
  const dead = message.deadLetter;
  if (!dead) return null;
  return (
    <Notice tone="warning">
      <strong>Dead letter: {dead.reason}</strong>
      {dead.description && <p>{dead.description}</p>}
      <p>
        From{" "}
        <a class="name" href={href("/queue", { name: dead.origin })}>
          {dead.origin}
        </a>{" "}
        <Age at={dead.at} />, after {count(dead.count)} {dead.count === 1 ? "delivery" : "deliveries"}.
      </p>
    </Notice>
  );
}

function Headers({ message }: { message: Message }) {
  const id = (value: string | null) =>
    value && (
      <span class="with-copy">
        <span class="mono wrap">{value}</span>
        <CopyButton text={value} label="Copy" />
      </span>
    );
  return (
    <KeyValues
      items={[
        ["Message id", id(message.messageId)],
        ["Correlation id", id(message.correlationId)],
        ["Type (subject)", message.subject],
        ["State", <Badge>{message.state}</Badge>],
        ["Priority", message.priority],
        ["Durable", message.durable ? "yes" : "no"],
        ["Deliveries", count(message.deliveryCount)],
        ["Arrived", <Time at={message.arrivedAt} />],
        ["Created by the sender", <Time at={message.createdAt} />],
        ["Expires", message.expiresAt ? <Time at={message.expiresAt} /> : "never"],
        ["To", message.to && <span class="mono wrap">{message.to}</span>],
        ["Reply to", message.replyTo && <span class="mono wrap">{message.replyTo}</span>],
        ["Content type", message.contentType],
        ["Group", message.groupId],
        ["Group sequence", message.groupSequence === null ? null : count(message.groupSequence)],
        ["User", message.userId],
        ["Kind", message.type],
      ]}
    />
  );
}

function Properties({ properties, none }: { properties: Property[]; none: string }) {
  if (properties.length === 0) return <p class="card-empty muted">{none}</p>;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Properties">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col" class="grow">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {properties.map((property) => (
            <tr key={property.name}>
              <td class="mono wrap">{property.name}</td>
              <td class="muted">{property.type}</td>
              <td class="mono wrap grow">
                {property.value === null ? "null" : String(property.value)}
                {property.truncated && <span class="muted"> … cut</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
