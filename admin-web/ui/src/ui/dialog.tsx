import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError, cancelled, isCancelled, onConfirmationRequired } from "../api/client";
import { confirmPassword } from "../api/session";
import { written } from "../lib/inert";
import { Button, Notice } from "./basics";
import { TextArea, TextField } from "./form";

/** A modal dialog: the browser's own, which keeps the focus inside, closes with Esc, and gives the focus back. */
export function Dialog({
  title,
  onClose,
  children,
  wide,
}: {
  title: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    (dialog.querySelector<HTMLElement>("[data-autofocus]") ?? dialog.querySelector<HTMLElement>("input, select, textarea"))?.focus();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="close" label="Close" onClick={onClose} />
      </div>
      {children}
    </dialog>
  );
}

/** Runs something that can fail, and holds what it said. */
export function useAttempt(): {
  busy: boolean;
  error: ApiError | null;
  attempt: (work: () => Promise<void>) => Promise<void>;
  clear: () => void;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const there = useRef(true);
  useEffect(
    () => () => {
      there.current = false;
    },
    [],
  );
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (failure) {
      if (there.current && !isCancelled(failure)) {
        setError(failure instanceof ApiError ? failure : new ApiError(0, "unknown", "Something went wrong", String(failure)));
      }
    }
    if (there.current) setBusy(false);
  };
  return { busy, error, attempt, clear: () => setError(null) };
}

export function AttemptError({ error }: { error: ApiError | null }) {
  if (!error) return null;
  return (
    <Notice tone="danger">
      <strong>{error.title}.</strong> {error.detail !== error.title && error.detail}
    </Notice>
  );
}

interface FormDialogProps {
  title: ComponentChildren;
  action: string;
  onClose: () => void;
  onSubmit: () => Promise<void>;
  children: ComponentChildren;
  kind?: "primary" | "danger";
  disabled?: boolean;
  wide?: boolean;
}

export function FormDialog({ title, action, onClose, onSubmit, children, kind = "primary", disabled, wide }: FormDialogProps) {
  const { busy, error, attempt } = useAttempt();
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !disabled) void attempt(onSubmit);
        }}
      >
        <div class="dialog-body">
          {children}
          <AttemptError error={error} />
        </div>
        <div class="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={kind} busy={busy} disabled={disabled}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface DangerProps {
  title: string;
  action: string;
  /** What has to be typed, letter by letter. */
  typed: string;
  typedLabel?: string;
  /** Asks for a reason, too, which goes into the audit. */
  reason?: boolean;
  children: ComponentChildren;
  onClose: () => void;
  onConfirm: (reason: string) => Promise<void>;
}

/** Before something that cannot be undone: what it does, a reason where one is kept, and a name to type. */
export function DangerDialog({ title, action, typed, typedLabel = "name", reason, children, onClose, onConfirm }: DangerProps) {
  const [text, setText] = useState("");
  const [why, setWhy] = useState("");
  const ready = (text === typed || text === written(typed)) && (!reason || why.trim() !== "");
  return (
    <FormDialog title={title} action={action} kind="danger" disabled={!ready} onClose={onClose} onSubmit={() => onConfirm(why.trim())}>
      <div class="danger-text">{children}</div>
      {reason && <TextArea label="Reason" value={why} onInput={setWhy} rows={2} required hint="It goes into the audit log." />}
      <TextField
        label={`Type the ${typedLabel} to confirm`}
        mono
        value={text}
        onInput={setText}
        autoFocus={!reason}
        hint={<code>{typed}</code>}
      />
    </FormDialog>
  );
}

interface Waiting {
  resolve: () => void;
  reject: (error: ApiError) => void;
}

/** Asks for the password when the broker wants to be sure; the request that needed it waits. */
export function ConfirmHost() {
  const [waiting, setWaiting] = useState<Waiting[]>([]);
  const [password, setPassword] = useState("");
  useEffect(() => {
    onConfirmationRequired(() => new Promise<void>((resolve, reject) => setWaiting((all) => [...all, { resolve, reject }])));
  }, []);
  if (waiting.length === 0) return null;
  const end = (finish: (one: Waiting) => void) => {
    waiting.forEach(finish);
    setWaiting([]);
    setPassword("");
  };
  return (
    <FormDialog
      title="Confirm that it is you"
      action="Confirm"
      disabled={password === ""}
      onClose={() => end((one) => one.reject(cancelled()))}
      onSubmit={async () => {
        await confirmPassword(password);
        end((one) => one.resolve());
      }}
    >
      <p>
        What you are about to do cannot be undone, so the broker asks for your password again. It is not asked for the next five minutes.
      </p>
      <TextField label="Password" type="password" autoComplete="current-password" value={password} onInput={setPassword} autoFocus />
    </FormDialog>
  );
}
