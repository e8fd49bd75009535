import { useState } from "preact/hooks";
import { logIn, setUp } from "../api/session";
import type { Session } from "../api/types";
import { Button, Notice } from "../ui/basics";
import { AttemptError, useAttempt } from "../ui/dialog";
import { TextField } from "../ui/form";
import { Mark } from "../ui/shell";

export function LoginPage({ lost, onSession }: { lost: boolean; onSession: (session: Session) => void }) {
  const [isFirst, setFirst] = useState(false);
  const [token, setToken] = useState("");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, attempt } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    void attempt(async () => onSession(await (isFirst ? setUp(token.trim(), user, password) : logIn(user, password))));
  };
  return (
    <main class="login">
      <div class="login-card">
        <div class="login-brand">
          <Mark />
          <span>GiroMQ</span>
        </div>
        <h1>{isFirst ? "Set up the broker" : "Log in"}</h1>
        {lost && <Notice>Your session has ended. Log in to go on where you were.</Notice>}
        <form onSubmit={submit}>
          {isFirst && (
            <TextField
              label="Token"
              type="password"
              value={token}
              onInput={setToken}
              hint="From the file first-login-token in the broker's data directory, which only its own user can read."
              required
            />
          )}
          <TextField label="User" value={user} onInput={setUser} autoComplete="username" required />
          <TextField
            label="Password"
            type="password"
            value={password}
            onInput={setPassword}
            hint={isFirst ? "12 characters at least, letters and digits among them." : undefined}
            autoComplete={isFirst ? "new-password" : "current-password"}
            required
          />
          <AttemptError error={error} />
          <Button type="submit" kind="primary" busy={busy} disabled={user === "" || password === "" || (isFirst && token === "")}>
            {isFirst ? "Make the administrator" : "Log in"}
          </Button>
        </form>
        <Button kind="quiet" onClick={() => setFirst(!isFirst)}>
          {isFirst ? "Log in instead" : "First start? Set up the broker"}
        </Button>
      </div>
    </main>
  );
}
