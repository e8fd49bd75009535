import { useEffect, useState } from "preact/hooks";
import { path, post } from "../api/client";
import { latest, useOperations } from "../api/live";
import { useResource } from "../api/resource";
import type { DryRun, MessagesDone, Operation, Page, Queue } from "../api/types";
import { bytes, plural } from "../lib/format";
import { Button, Failure, Notice, Progress, Skeleton } from "../ui/basics";
import { Dialog, FormDialog, DangerDialog } from "../ui/dialog";
import { TextField } from "../ui/form";
import { toast } from "../ui/toast";
import { OperationState } from "./operations";

/** What an action is about: some messages by hand, all that a selector matches, or all. */
export type Chosen = { kind: "ids"; ids: string[] } | { kind: "selector"; selector: string; syntax: "sql" | "xml" } | { kind: "all" };
type Action = "move" | "copy" | "retry" | "delete";

const verbs: Record<Action, string> = { move: "Move", copy: "Copy", retry: "Retry", delete: "Delete" };
export const doneTexts: Record<Action, string> = { move: "moved", copy: "copied", retry: "given back", delete: "deleted" };
export const failureTexts: Record<string, string> = {
  not_found: "no longer there",
  locked: "held by a consumer or a transaction",
  expired: "expired meanwhile",
  no_origin: "without a queue to go back to",
  resource_limit: "at a limit of the other queue",
  damaged: "damaged",
};

export function MessageActions({
  queue,
  chosen,
  retryable,
  onChanged,
}: {
  queue: Queue;
  chosen: Chosen;
  retryable: boolean;
  onChanged: () => void;
}) {
  const [action, setAction] = useState<Action | null>(null);
  const [operation, setOperation] = useState<Operation | null>(null);
  const close = () => setAction(null);
  const finished = (result: MessagesDone | Operation) => {
    close();
    if ("startedAt" in result) {
      setOperation(result);
      return;
    }
    tellResult(action!, result);
    onChanged();
  };
  const what =
    chosen.kind === "ids" ? plural(chosen.ids.length, "selected message") : chosen.kind === "selector" ? "All that match" : "All messages";
  return (
    <>
      <div class="button-group" role="group" aria-label={`What to do with: ${what}`}>
        <span class="chosen">{what}</span>
        <Button icon="move" onClick={() => setAction("move")}>
          Move
        </Button>
        <Button icon="copy" onClick={() => setAction("copy")}>
          Copy
        </Button>
        {retryable && (
          <Button icon="retry" onClick={() => setAction("retry")}>
            Retry
          </Button>
        )}
        <Button icon="trash" onClick={() => setAction("delete")}>
          Delete
        </Button>
      </div>
      {action && <ActionDialog action={action} queue={queue} chosen={chosen} onClose={close} onFinished={finished} />}
      {operation && (
        <OperationDialog
          first={operation}
          onClose={() => {
            setOperation(null);
            onChanged();
          }}
        />
      )}
    </>
  );
}

function tellResult(action: Action, result: MessagesDone): void {
  if (result.failed.length === 0) {
    toast(`${plural(result.done, "message")} ${doneTexts[action]}.`);
    return;
  }
  const reasons = [...new Set(result.failed.map((one) => failureTexts[one.code] ?? one.code))].join(", ");
  toast(`${plural(result.done, "message")} ${doneTexts[action]}, ${result.failed.length} not: ${reasons}.`, "danger");
}

function requestOf(chosen: Chosen): Record<string, unknown> {
  if (chosen.kind === "ids") return { ids: chosen.ids };
  if (chosen.kind === "selector") return { selector: chosen.selector, syntax: chosen.syntax };
  return { all: true };
}

interface DialogProps {
  action: Action;
  queue: Queue;
  chosen: Chosen;
  onClose: () => void;
  onFinished: (result: MessagesDone | Operation) => void;
}

export function ActionDialog({ action, queue, chosen, onClose, onFinished }: DialogProps) {
  const [to, setTo] = useState("");
  const target = path(["queues", queue.name, "messages", action]);
  const needsTarget = action === "move" || action === "copy";
  const run = async () => {
    const body = { ...requestOf(chosen), ...(needsTarget ? { to } : {}) };
    onFinished(await post<MessagesDone | Operation>(target, body));
  };
  const title = `${verbs[action]} messages`;
  const inside = <What action={action} queue={queue} chosen={chosen} />;
  if (action === "delete") {
    return (
      <DangerDialog title={title} action="Delete" typed={queue.name} typedLabel="name of the queue" onClose={onClose} onConfirm={run}>
        {inside}
      </DangerDialog>
    );
  }
  return (
    <FormDialog title={title} action={verbs[action]} onClose={onClose} onSubmit={run} disabled={needsTarget && to.trim() === ""}>
      {inside}
      {needsTarget && <TargetField value={to} onInput={setTo} />}
      {action === "retry" && (
        <p class="muted">
          Each goes behind what is in the queue it came from, with its count of deliveries at 0. What has expired stays here.
        </p>
      )}
      {action === "copy" && <p class="muted">The copies are new messages; the originals stay, and nobody is kept from them.</p>}
      {action === "move" && (
        <p class="muted">Each leaves this queue and arrives behind what is in the other, in one step. What somebody holds stays.</p>
      )}
    </FormDialog>
  );
}

function TargetField({ value, onInput }: { value: string; onInput: (value: string) => void }) {
  const found = useResource<Page<Queue>>(path(["queues"], { name: value, limit: 8 }));
  return (
    <>
      <TextField label="To the queue" mono value={value} onInput={onInput} required autoFocus list="queues-to-choose" />
      <datalist id="queues-to-choose">
        {found.data?.items.map((queue) => (
          <option key={queue.name} value={queue.name} />
        ))}
      </datalist>
    </>
  );
}

/** How many it would be: the broker counts before anything is done. */
function What({ action, queue, chosen }: { action: Action; queue: Queue; chosen: Chosen }) {
  const [count, setCount] = useState<DryRun | "failed" | null>(null);
  const key = JSON.stringify(chosen);
  useEffect(() => {
    if (chosen.kind === "ids") return;
    let wanted = true;
    // Which messages it would be does not depend on where they go, and only a retry can be asked about before a target is known.
    const counted = action === "delete" ? "delete" : "retry";
    post<DryRun>(path(["queues", queue.name, "messages", counted]), { ...requestOf(chosen), dryRun: true }).then(
      (answer) => wanted && setCount(answer),
      () => wanted && setCount("failed"),
    );
    return () => {
      wanted = false;
    };
  }, [key, action, queue.name]);
  if (chosen.kind === "ids")
    return (
      <p>
        <strong>{plural(chosen.ids.length, "message")}</strong> of <strong class="name">{queue.name}</strong>.
      </p>
    );
  return (
    <>
      <p>
        {chosen.kind === "all" ? "All messages" : "All messages that match"} of <strong class="name">{queue.name}</strong>.
      </p>
      {chosen.kind === "selector" && (
        <pre class="code" tabIndex={0} aria-label="The selector">
          {chosen.selector}
        </pre>
      )}
      <div class="dry-run" role="status">
        {count === null ? (
          <Skeleton lines={1} />
        ) : count === "failed" ? (
          <span class="muted">They could not be counted.</span>
        ) : (
          <>
            <strong>
              {count.complete ? "" : "At least "}
              {plural(count.matched, "message")}
            </strong>
            , {bytes(count.bytes)}
            {count.complete ? "" : "; counting all would take long"}.
          </>
        )}
      </div>
    </>
  );
}

/** A bulk operation while it runs. Closing the dialog leaves it running; it stays in the list of operations. */
function OperationDialog({ first, onClose }: { first: Operation; onClose: () => void }) {
  const [running, setRunning] = useState(true);
  const resource = useOperations<Operation>(path(["operations", first.id]), running ? 700 : 0);
  const operation = latest(resource.data ?? first);
  useEffect(() => setRunning(operation.state === "running"), [operation.state]);
  return (
    <Dialog title={`${verbs[operation.kind]} messages`} onClose={onClose}>
      <div class="dialog-body" role="status">
        {resource.error && <Failure error={resource.error} retry={resource.reload} />}
        <OperationState operation={operation} />
        {operation.state === "running" && (
          <Progress value={operation.done + operation.skipped} of={operation.matched} label="How far it is" />
        )}
        {operation.error && <Notice tone="danger">{operation.error}</Notice>}
      </div>
      <div class="dialog-foot">
        <Button kind="primary" onClick={onClose}>
          {operation.state === "running" ? "Let it run" : "Close"}
        </Button>
      </div>
    </Dialog>
  );
}
