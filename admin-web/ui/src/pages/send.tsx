import { useRef, useState } from "preact/hooks";
import { path, post } from "../api/client";
import type { NewMessage, Sent } from "../api/types";
import { bytesOfText } from "../lib/hex";
import { Button } from "../ui/basics";
import { FormDialog } from "../ui/dialog";
import { Check, FilterSelect, Select, TextArea, TextField } from "../ui/form";
import { toast } from "../ui/toast";

const types = ["string", "boolean", "byte", "short", "int", "long", "float", "double"] as const;
interface Typed {
  name: string;
  type: (typeof types)[number];
  value: string;
}

const requestMax = 60_000;

/** A message by hand, for tests. The key makes a second click (or a lost answer) send nothing twice. */
export function SendDialog({ queue, onClose, onSent }: { queue: string; onClose: () => void; onSent: () => void }) {
  const [text, setText] = useState("");
  const [contentType, setContentType] = useState("text/plain");
  const [messageId, setMessageId] = useState("");
  const [correlationId, setCorrelationId] = useState("");
  const [type, setType] = useState("");
  const [priority, setPriority] = useState("4");
  const [timeToLive, setTimeToLive] = useState("");
  const [durable, setDurable] = useState(true);
  const [properties, setProperties] = useState<Typed[]>([]);
  const key = useRef(crypto.randomUUID());
  const size = bytesOfText(text).length;
  const send = async () => {
    const message: NewMessage = {
      ...(messageId && { messageId }),
      ...(correlationId && { correlationId }),
      ...(type && { type }),
      ...(contentType && { contentType }),
      priority: Number(priority),
      durable,
      ...(timeToLive && { timeToLiveMs: Number(timeToLive) * 1000 }),
      properties: properties.filter((one) => one.name !== "").map((one) => ({ name: one.name, type: one.type, value: valueOf(one) })),
      body: { kind: "text", text },
    };
    const sent = await post<Sent>(path(["queues", queue, "messages"]), message, { "Idempotency-Key": key.current });
    toast(sent.duplicate ? "It had been sent before." : `Sent to ${queue}.`);
    onSent();
    onClose();
  };
  const change = (index: number, changes: Partial<Typed>) =>
    setProperties(properties.map((one, at) => (at === index ? { ...one, ...changes } : one)));
  return (
    <FormDialog
      title={
        <>
          Send a message to <span class="name">{queue}</span>
        </>
      }
      action="Send"
      onClose={onClose}
      onSubmit={send}
      disabled={size > requestMax}
      wide
    >
      <TextArea
        label="Body"
        value={text}
        onInput={setText}
        rows={8}
        mono
        error={size > requestMax ? "A message sent from here has at most 60 kB." : null}
      />
      <div class="fields">
        <Select
          label="Content type"
          value={contentType}
          onChange={setContentType}
          options={[
            ["text/plain", "text/plain"],
            ["application/xml", "application/xml"],
            ["application/json", "application/json"],
          ]}
        />
        <TextField label="Message id" value={messageId} onInput={setMessageId} mono hint="The broker makes one if empty" />
        <TextField label="Correlation id" value={correlationId} onInput={setCorrelationId} mono />
        <TextField label="Type (subject)" value={type} onInput={setType} mono />
        <Select
          label="Priority"
          value={priority}
          onChange={setPriority}
          options={Array.from({ length: 10 }, (_, index) => [String(index), String(index)] as const)}
        />
        <TextField label="Expires after, in seconds" type="number" min={1} value={timeToLive} onInput={setTimeToLive} hint="Empty: never" />
      </div>
      <Check label="Durable: it survives a crash of the broker" checked={durable} onChange={setDurable} />
      <fieldset class="bare">
        <legend>Properties</legend>
        {properties.map((property, index) => (
          <div key={index} class="condition">
            <input
              class="mono"
              aria-label="Name"
              placeholder="name"
              value={property.name}
              onInput={(event) => change(index, { name: event.currentTarget.value })}
            />
            <FilterSelect
              label="Type"
              value={property.type}
              options={types.map((one) => [one, one] as const)}
              onChange={(next) => change(index, { type: next })}
            />
            <input
              class="mono"
              aria-label="Value"
              placeholder="value"
              value={property.value}
              onInput={(event) => change(index, { value: event.currentTarget.value })}
            />
            <Button
              kind="quiet"
              icon="close"
              label="Remove the property"
              onClick={() => setProperties(properties.filter((_, at) => at !== index))}
            />
          </div>
        ))}
        <Button kind="quiet" icon="plus" onClick={() => setProperties([...properties, { name: "", type: "string", value: "" }])}>
          Property
        </Button>
      </fieldset>
    </FormDialog>
  );
}

function valueOf(property: Typed): string | number | boolean {
  if (property.type === "boolean") return property.value.trim().toLowerCase() === "true";
  // A long can be larger than what a number of JavaScript holds exactly, so it travels as text.
  if (property.type === "string" || property.type === "long") return property.value;
  return Number(property.value);
}
