import { useState } from "preact/hooks";
import { changePassword } from "../api/session";
import type { Session } from "../api/types";
import { FormDialog } from "./dialog";
import { TextField } from "./form";
import { toast } from "./toast";

/** Another password for who is logged in. */
export function PasswordDialog({ onClose, onChanged }: { onClose: () => void; onChanged: (session: Session) => void }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const differs = again !== "" && again !== next;
  const submit = async () => {
    onChanged(await changePassword(current, next));
    toast("Your password is changed.");
    onClose();
  };
  return (
    <FormDialog
      title="Change your password"
      action="Change"
      disabled={current === "" || next === "" || again !== next}
      onClose={onClose}
      onSubmit={submit}
    >
      <p>Your other sessions and your AMQP connections end.</p>
      <TextField label="Current password" type="password" autoComplete="current-password" value={current} onInput={setCurrent} autoFocus />
      <TextField
        label="New password"
        type="password"
        autoComplete="new-password"
        value={next}
        onInput={setNext}
        hint="12 characters at least, letters and digits among them."
      />
      <TextField
        label="New password once more"
        type="password"
        autoComplete="new-password"
        value={again}
        onInput={setAgain}
        error={differs ? "It is not the same." : undefined}
      />
    </FormDialog>
  );
}
