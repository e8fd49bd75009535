import { useState } from "preact/hooks";
import { logIn } from "../api/session";
import type { Session } from "../api/types";
import { Button, Notice } from "../ui/basics";
import { AttemptError, useAttempt } from "../ui/dialog";
import { TextField } from "../ui/form";
import { Mark } from "../ui/shell";

export function LoginPage({ lost, onSession }: { lost: boolean; onSession: (session: Session) => void }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, attempt } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    void attempt(async () => onSession(await logIn(user, password)));
  };
  return (
    <main class="login">
      <div class="login-card">
        <div class="login-brand">
          <Mark />
          <span>GiroMQ</span>
        </div>
        <h1>Log in</h1>
        {lost && <Notice>Your session has ended. Log in to go on where you were.</Notice>}
        <form onSubmit={submit}>
          <TextField label="User" value={user} onInput={setUser} autoComplete="username" required />
          <TextField label="Password" type="password" value={password} onInput={setPassword} autoComplete="current-password" required />
          <AttemptError error={error} />
          <Button type="submit" kind="primary" busy={busy} disabled={user === "" || password === ""}>
            Log in
          </Button>
        </form>
        <details>
          <summary>First start?</summary>
          <p class="muted">
            The broker has made the user <code>admin</code> with a password in the file <code>initial-admin-password</code>{" "}
            of its data directory, which only its own user can read. Log in with it, and give <code>admin</code> another one under Users.
          </p>
        </details>
      </div>
    </main>
  );
}
