import { useState } from "preact/hooks";
import { ApiError, path, request } from "../api/client";
import type { Resource } from "../api/resource";
import type { Queue, QueueSettings } from "../api/types";
import { Button, Card, Notice } from "../ui/basics";
import { AttemptError, useAttempt } from "../ui/dialog";
import { Select, TextField } from "../ui/form";
import { toast } from "../ui/toast";

const numbers = ["maxMessages", "maxBytes", "maxDeliveries", "duplicateIdsMax", "duplicateIdsAgeMs"] as const;
type NumberName = (typeof numbers)[number];
export type SettingsForm = Record<NumberName | "deadLetterQueue", string> & { overflow: "" | "refuse" | "hold"; strict: "" | "yes" | "no" };

export const startingSettings: SettingsForm = {
  maxMessages: "",
  maxBytes: "",
  maxDeliveries: "",
  duplicateIdsMax: "",
  duplicateIdsAgeMs: "",
  deadLetterQueue: "",
  overflow: "",
  strict: "",
};

const labels: Record<NumberName, [string, string]> = {
  maxMessages: ["Messages at most", "0 for no limit"],
  maxBytes: ["Bytes at most", "0 for no limit"],
  maxDeliveries: ["Deliveries at most", "Failed ones before the dead-letter queue; 0 for no limit"],
  duplicateIdsMax: ["Ids remembered", "For duplicate detection"],
  duplicateIdsAgeMs: ["… for how long, in ms", "From a second to a week"],
};

/** The settings that are filled in, for a request. */
export function settingsOf(form: SettingsForm): QueueSettings {
  const settings: QueueSettings = {};
  for (const name of numbers) if (form[name].trim() !== "") settings[name] = Number(form[name]);
  if (form.deadLetterQueue.trim() !== "") settings.deadLetterQueue = form.deadLetterQueue.trim();
  if (form.overflow !== "") settings.overflow = form.overflow;
  if (form.strict !== "") settings.strict = form.strict === "yes";
  return settings;
}

function formOf(queue: Queue): SettingsForm {
  return {
    maxMessages: String(queue.maxMessages),
    maxBytes: String(queue.maxBytes),
    maxDeliveries: String(queue.maxDeliveries),
    duplicateIdsMax: String(queue.duplicateIdsMax),
    duplicateIdsAgeMs: String(queue.duplicateIdsAgeMs),
    deadLetterQueue: queue.deadLetterQueue,
    overflow: queue.overflow,
    strict: queue.strict ? "yes" : "no",
  };
}

export function QueueSettingsFields({ form, onChange }: { form: SettingsForm; onChange: (form: SettingsForm) => void }) {
  const number = (name: NumberName) => (
    <TextField
      key={name}
      label={labels[name][0]}
      hint={labels[name][1]}
      type="number"
      min={0}
      value={form[name]}
      onInput={(value) => onChange({ ...form, [name]: value })}
    />
  );
  return (
    <div class="fields">
      {number("maxMessages")}
      {number("maxBytes")}
      <Select
        label="At a limit"
        value={form.overflow}
        onChange={(overflow) => onChange({ ...form, overflow })}
        hint="What happens to producers"
        options={[
          ["", "Default"],
          ["refuse", "Refuse"],
          ["hold", "Hold"],
        ]}
      />
      <Select
        label="Strict order"
        value={form.strict}
        onChange={(strict) => onChange({ ...form, strict })}
        hint="Nothing is given out past a message that is out or held"
        options={[
          ["", "Default"],
          ["yes", "Yes"],
          ["no", "No"],
        ]}
      />
      {number("maxDeliveries")}
      <TextField
        label="Dead-letter queue"
        mono
        value={form.deadLetterQueue}
        onInput={(deadLetterQueue) => onChange({ ...form, deadLetterQueue })}
        hint="Where messages go that fail too often"
      />
      {number("duplicateIdsMax")}
      {number("duplicateIdsAgeMs")}
    </div>
  );
}

/**
 * The settings of a queue. Saving names the version that was looked at: if somebody has changed them meanwhile, nothing is overwritten, and
 * the page shows what is there now and what was typed.
 */
export function QueueSettingsTab({ resource, mayChange }: { resource: Resource<Queue>; mayChange: boolean }) {
  const queue = resource.data!;
  const [seen, setSeen] = useState({ queue, etag: resource.etag });
  const [form, setForm] = useState(formOf(queue));
  const [conflict, setConflict] = useState<Queue | null>(null);
  const { busy, error, attempt } = useAttempt();
  const original = formOf(seen.queue);
  const changedNames = (Object.keys(form) as (keyof SettingsForm)[]).filter((name) => form[name] !== original[name]);

  const save = () =>
    attempt(async () => {
      const all = settingsOf(form);
      const body = Object.fromEntries(Object.entries(all).filter(([name]) => changedNames.includes(name as keyof SettingsForm)));
      try {
        const answer = await request<Queue>("PATCH", path(["queues", queue.name]), { body, headers: { "If-Match": seen.etag! } });
        resource.replace(answer.data, answer.etag);
        setSeen({ queue: answer.data, etag: answer.etag });
        setForm(formOf(answer.data));
        setConflict(null);
        toast("Settings saved.");
      } catch (failure) {
        if (!(failure instanceof ApiError) || failure.status !== 412) throw failure;
        const now = await request<Queue>("GET", path(["queues", queue.name]));
        resource.replace(now.data, now.etag);
        setSeen({ queue: now.data, etag: now.etag });
        setConflict(now.data);
      }
    });

  const configured = queue.origin === "configured";
  return (
    <Card title="Settings">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {configured && <Notice>This queue stands in the configuration, and its settings are changed there.</Notice>}
        {conflict && (
          <Notice tone="warning">
            <strong>Somebody has changed these settings since you looked.</strong> What you typed is still here and not saved. What differs
            from theirs:{" "}
            {changedNames.length > 0 ? changedNames.map((name) => `${name} (now ${formOf(conflict)[name]})`).join(", ") : "nothing"}. Save
            again to put yours in their place, or discard.
          </Notice>
        )}
        <fieldset disabled={configured || !mayChange} class="bare">
          <legend class="hidden">Settings of {queue.name}</legend>
          <QueueSettingsFields form={form} onChange={setForm} />
        </fieldset>
        <AttemptError error={error} />
        {mayChange && !configured && (
          <div class="form-foot">
            <Button type="submit" kind="primary" busy={busy} disabled={changedNames.length === 0 || seen.etag === null}>
              Save
            </Button>
            <Button
              disabled={changedNames.length === 0}
              onClick={() => {
                setForm(original);
                setConflict(null);
              }}
            >
              Discard
            </Button>
          </div>
        )}
      </form>
    </Card>
  );
}
