import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { logIn, logOut } from "../api/session";
import type { Session, User } from "../api/types";
import { Button, Notice } from "../ui/basics";
import { AttemptError, useAttempt } from "../ui/dialog";
import { TextField } from "../ui/form";
import { Mark } from "../ui/shell";

type Way = "password" | "token";

export function LoginPage({ lost, onSession }: { lost: boolean; onSession: (session: Session) => void }) {
  const [way, setWay] = useState<Way>("password");
  const [first, setFirst] = useState(false);
  return (
    <main class="login">
      <div class="login-card">
        <div class="login-brand"><Mark /><span>GiroMQ</span></div>
        {first ? <FirstAdministrator onSession={onSession} /> : (
          <>
            <h1>Log in</h1>
            {lost && <Notice>Your session has ended. Log in to go on where you were.</Notice>}
            {way === "password"
              ? <PasswordLogin onSession={onSession} />
              : <TokenLogin onSession={onSession} onFirst={() => setFirst(true)} />}
            <Button kind="quiet" onClick={() => setWay(way === "password" ? "token" : "password")}>
              {way === "password" ? "First start? Use the one-time token" : "Use a password"}
            </Button>
          </>
        )}
      </div>
    </main>
  );
}

function PasswordLogin({ onSession }: { onSession: (session: Session) => void }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, attempt } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    void attempt(async () => onSession(await logIn({ user, password })));
  };
  return (
    <form onSubmit={submit}>
      <TextField label="User" value={user} onInput={setUser} autoComplete="username" required autoFocus />
      <TextField label="Password" type="password" value={password} onInput={setPassword} autoComplete="current-password" required />
      <AttemptError error={error} />
      <Button type="submit" kind="primary" busy={busy} disabled={user === "" || password === ""}>Log in</Button>
    </form>
  );
}

function TokenLogin({ onSession, onFirst }: { onSession: (session: Session) => void; onFirst: () => void }) {
  const [token, setToken] = useState("");
  const { busy, error, attempt } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    void attempt(async () => {
      const session = await logIn({ token: token.trim() });
      if (session.user === "") onFirst();
      else onSession(session);
    });
  };
  return (
    <form onSubmit={submit}>
      <p class="muted">The broker wrote a token into a file when it started for the first time, and said where in its log. It works once.</p>
      <TextField label="One-time token" value={token} onInput={setToken} mono required />
      <AttemptError error={error} />
      <Button type="submit" kind="primary" busy={busy} disabled={token.trim() === ""}>Go on</Button>
    </form>
  );
}

/** What the token is for: the first administrator, with whom one then logs in. */
function FirstAdministrator({ onSession }: { onSession: (session: Session) => void }) {
  const [user, setUser] = useState("admin");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const { busy, error, attempt } = useAttempt();
  const differ = again !== "" && again !== password;
  const submit = (event: Event) => {
    event.preventDefault();
    void attempt(async () => {
      await request<User>("PUT", path(["users", user]), { body: { role: "administrator", password } });
      await logOut().catch(() => undefined);
      onSession(await logIn({ user, password }));
    });
  };
  return (
    <form onSubmit={submit}>
      <h1>Create the first administrator</h1>
      <TextField label="User" value={user} onInput={setUser} autoComplete="username" required />
      <TextField label="Password" type="password" value={password} onInput={setPassword} autoComplete="new-password" required hint="At least 8 characters." />
      <TextField label="Password again" type="password" value={again} onInput={setAgain} autoComplete="new-password" required
        error={differ ? "The two differ." : null} />
      <AttemptError error={error} />
      <Button type="submit" kind="primary" busy={busy} disabled={user === "" || password.length < 8 || again !== password}>Create and log in</Button>
    </form>
  );
}
