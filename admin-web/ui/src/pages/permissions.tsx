import { useState } from "preact/hooks";
import { path, post, request } from "../api/client";
import { useResource } from "../api/resource";
import { useMay } from "../api/session";
import type { Action, Page, Permission, PermissionCheck } from "../api/types";
import { setQuery, usePlace } from "../router";
import { Badge, Button, Card, Failure, Notice, PageHead, Skeleton, Time } from "../ui/basics";
import { DangerDialog, FormDialog } from "../ui/dialog";
import { Check, Select, TextField } from "../ui/form";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { toast } from "../ui/toast";
import { roles } from "./users";

/** What can be granted for some queues; the rest of a role is for everything or nothing. */
const grantable: Action[] = ["send", "receive", "browse", "read-body", "create", "move", "delete", "purge", "resolve-xa"];

export function PermissionsPage() {
  const { query } = usePlace();
  const mayAdminister = useMay()("administer");
  const [deleting, setDeleting] = useState<Permission | null>(null);
  const filter = { grantee: query.get("grantee"), pattern: query.get("pattern") };
  const permissions = useResource<Page<Permission>>(path(["permissions"], { ...filter, cursor: query.get("cursor"), limit: 50 }));
  const columns: Column<Permission>[] = [
    {
      id: "grantee",
      title: "Who",
      render: (one) => (
        <span class="name-cell">
          <span class="name">{one.grantee.name}</span>
          <Badge>{one.grantee.kind}</Badge>
        </span>
      ),
    },
    { id: "pattern", title: "Queues", grow: true, render: (one) => <code>{one.pattern}</code> },
    {
      id: "actions",
      title: "May",
      render: (one) => (
        <span class="chips">
          {one.actions.map((action) => (
            <Badge key={action} tone="accent">
              {action}
            </Badge>
          ))}
        </span>
      ),
    },
    {
      id: "created",
      title: "Since",
      figure: true,
      hideNarrow: true,
      render: (one) => (
        <>
          <Time at={one.createdAt} /> <span class="muted">{one.createdBy}</span>
        </>
      ),
    },
    {
      id: "delete",
      title: <span class="hidden">Take away</span>,
      figure: true,
      render: (one) =>
        mayAdminister && (
          <Button
            small
            kind="quiet"
            icon="trash"
            label={`Take away the permission of ${one.grantee.name} on ${one.pattern}`}
            onClick={() => setDeleting(one)}
          />
        ),
    },
  ];
  return (
    <>
      <PageHead title="Permissions" about="What is not allowed is refused. Administrators need none.">
        {mayAdminister && (
          <Button kind="primary" icon="plus" onClick={() => setQuery({ create: "1" })}>
            Allow
          </Button>
        )}
      </PageHead>
      <Tester />
      <div class="toolbar">
        <SearchBox name="grantee" label="User or role (whole name)" />
        <SearchBox name="pattern" label="Pattern (whole)" />
      </div>
      <PagedTable
        label="Permissions"
        resource={permissions}
        columns={columns}
        keyOf={(one) => String(one.id)}
        skeletonRows={6}
        empty={<Nothing title="Nothing is allowed to applications yet" filtered={Boolean(filter.grantee || filter.pattern)} />}
      />
      {mayAdminister && query.get("create") === "1" && (
        <PermissionForm onClose={() => setQuery({ create: null }, { replace: true })} onSaved={permissions.reload} />
      )}
      {deleting && (
        <DangerDialog
          title="Take the permission away"
          action="Take away"
          typed={deleting.grantee.name}
          typedLabel={`name of the ${deleting.grantee.kind}`}
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await request("DELETE", path(["permissions", deleting.id]));
            toast("The permission is taken away.");
            setDeleting(null);
            permissions.reload();
          }}
        >
          <p>
            <strong>{deleting.grantee.name}</strong> will no longer {deleting.actions.join(", ")} on <code>{deleting.pattern}</code>, unless
            another permission allows it.
          </p>
        </DangerDialog>
      )}
    </>
  );
}

/** May this user do that there? The broker answers by the very check that it makes itself. What is asked is in the address. */
function Tester() {
  const { query } = usePlace();
  const asked = { user: query.get("u"), action: query.get("a"), destination: query.get("d") };
  const complete = Boolean(asked.user && asked.action && asked.destination);
  const answer = useResource<PermissionCheck>(complete ? path(["permissions", "check"], asked) : null);
  const [user, setUser] = useState(asked.user ?? "");
  const [action, setAction] = useState((asked.action ?? "send") as Action);
  const [destination, setDestination] = useState(asked.destination ?? "");
  return (
    <Card title="May a user do something?">
      <form
        class="tester"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({ u: user, a: action, d: destination });
          answer.reload();
        }}
      >
        <TextField label="User" value={user} onInput={setUser} required />
        <Select label="Action" value={action} options={grantable.map((one) => [one, one] as const)} onChange={setAction} />
        <TextField label="Queue" value={destination} onInput={setDestination} mono required />
        <Button type="submit">Ask the broker</Button>
      </form>
      <div class="tester-answer" role="status">
        {!complete ? (
          <span class="muted">The broker answers by the check that it makes itself.</span>
        ) : answer.error ? (
          <Failure error={answer.error} retry={answer.reload} />
        ) : !answer.data ? (
          <Skeleton lines={1} />
        ) : (
          <Notice tone={answer.data.allowed ? "good" : "danger"}>
            <strong>{answer.data.allowed ? "Yes" : "No"}.</strong> {answer.data.because}
          </Notice>
        )}
      </div>
    </Card>
  );
}

function PermissionForm({ onClose, onSaved }: { onClose: () => void; onSaved: () => void }) {
  const [kind, setKind] = useState<"user" | "role">("user");
  const [name, setName] = useState("");
  const [pattern, setPattern] = useState("");
  const [chosen, setChosen] = useState<Action[]>(["send"]);
  const save = async () => {
    await post<Permission>(path(["permissions"]), {
      grantee: { kind, name },
      pattern,
      actions: grantable.filter((one) => chosen.includes(one)),
    });
    toast("Allowed.");
    onSaved();
    onClose();
  };
  return (
    <FormDialog
      title="Allow"
      action="Allow"
      onClose={onClose}
      onSubmit={save}
      disabled={name === "" || pattern === "" || chosen.length === 0}
    >
      <div class="fields">
        <Select
          label="Who"
          value={kind}
          options={[
            ["user", "A user"],
            ["role", "All of a role"],
          ]}
          onChange={(next) => {
            setKind(next);
            setName(next === "role" ? "application" : "");
          }}
        />
        {kind === "user" ? (
          <TextField label="Name" value={name} onInput={setName} required autoFocus />
        ) : (
          <Select<string> label="Role" value={name} options={roles} onChange={setName} />
        )}
      </div>
      <TextField
        label="Queues"
        value={pattern}
        onInput={setPattern}
        mono
        required
        hint={
          <>
            Words divided by dots; <code>*</code> is one word, <code>#</code> any number: <code>payments.#</code>
          </>
        }
      />
      <fieldset class="bare">
        <legend>May</legend>
        <div class="checks">
          {grantable.map((one) => (
            <Check
              key={one}
              label={one}
              checked={chosen.includes(one)}
              onChange={(on) => setChosen(on ? [...chosen, one] : chosen.filter((other) => other !== one))}
            />
          ))}
        </div>
      </fieldset>
    </FormDialog>
  );
}
