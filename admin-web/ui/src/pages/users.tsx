import { useState } from "preact/hooks";
import { path, request } from "../api/client";
import { useResource } from "../api/resource";
import { useMay, useSession } from "../api/session";
import type { Page, Role, User } from "../api/types";
import { href, hrefWith, setQuery, usePlace } from "../router";
import { Badge, Button, PageHead } from "../ui/basics";
import { ChoiceBox } from "../ui/choice_box";
import { DangerDialog, FormDialog } from "../ui/dialog";
import { Select, TextField } from "../ui/form";
import { SearchBox } from "../ui/search_box";
import { Nothing, PagedTable, type Column } from "../ui/table";
import { toast } from "../ui/toast";

export const roles: readonly (readonly [Role, string])[] = [
  ["application", "Application"],
  ["auditor", "Auditor"],
  ["operator", "Operator"],
  ["administrator", "Administrator"],
];

export function UsersPage() {
  const { query } = usePlace();
  const mayAdminister = useMay()("administer");
  const me = useSession().user;
  const [deleting, setDeleting] = useState<string | null>(null);
  const filter = { name: query.get("filter"), role: query.get("role") };
  const users = useResource<Page<User>>(path(["users"], { ...filter, cursor: query.get("cursor"), limit: 50 }));
  // Only one that is shown: its role must be known before it can be changed.
  const edited = users.data?.items.find((one) => one.name === query.get("user"));
  const close = () => setQuery({ user: null, create: null }, { replace: true });
  const columns: Column<User>[] = [
    {
      id: "name",
      title: "Name",
      grow: true,
      render: (one) => (
        <span class="name-cell">
          {mayAdminister ? (
            <a data-row class="name" href={hrefWith({ user: one.name })}>
              {one.name}
            </a>
          ) : (
            <span class="name">{one.name}</span>
          )}
          {one.name === me && <Badge tone="accent">you</Badge>}
        </span>
      ),
    },
    { id: "role", title: "Role", render: (one) => <Badge tone={one.role === "administrator" ? "warning" : "neutral"}>{one.role}</Badge> },
    { id: "permissions", title: "Permissions", render: (one) => <a href={href("/permissions", { grantee: one.name })}>Show</a> },
    {
      id: "delete",
      title: <span class="hidden">Delete</span>,
      figure: true,
      render: (one) =>
        mayAdminister &&
        one.name !== me && (
          <Button small kind="quiet" icon="trash" label={`Delete the user ${one.name}`} onClick={() => setDeleting(one.name)} />
        ),
    },
  ];
  return (
    <>
      <PageHead title="Users">
        {mayAdminister && (
          <Button kind="primary" icon="plus" onClick={() => setQuery({ create: "1" })}>
            Create user
          </Button>
        )}
      </PageHead>
      <div class="toolbar">
        <SearchBox name="filter" label="Filter by name" />
        <ChoiceBox name="role" words={roles.map(([role]) => role)} />
      </div>
      <PagedTable
        label="Users"
        resource={users}
        columns={columns}
        keyOf={(one) => one.name}
        skeletonRows={6}
        empty={<Nothing title="There are no users" filtered={Boolean(filter.name || filter.role)} />}
      />
      {mayAdminister && query.get("create") === "1" && <UserForm onClose={close} onSaved={users.reload} />}
      {mayAdminister && edited && <UserForm key={edited.name} user={edited} onClose={close} onSaved={users.reload} />}
      {deleting && (
        <DangerDialog
          title="Delete the user"
          action="Delete"
          typed={deleting}
          typedLabel="name of the user"
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await request("DELETE", path(["users", deleting]));
            toast(`The user ${deleting} is deleted.`);
            setDeleting(null);
            users.reload();
          }}
        >
          <p>
            The user <strong>{deleting}</strong> can no longer log in. Connections and sessions of the user end.
          </p>
        </DangerDialog>
      )}
    </>
  );
}

function UserForm({ user, onClose, onSaved }: { user?: User; onClose: () => void; onSaved: () => void }) {
  const [name, setName] = useState(user?.name ?? "");
  const [role, setRole] = useState<Role>(user?.role ?? "application");
  const [password, setPassword] = useState("");
  const save = async () => {
    await request("PUT", path(["users", name]), { body: { role, ...(password && { password }) } });
    toast(user ? `The user ${name} is changed.` : `The user ${name} is created.`);
    onSaved();
    onClose();
  };
  return (
    <FormDialog
      title={user ? `User ${user.name}` : "Create user"}
      action={user ? "Save" : "Create"}
      onClose={onClose}
      onSubmit={save}
      disabled={name === "" || (user ? password !== "" && password.length < 8 : password.length < 8)}
    >
      {!user && <TextField label="Name" value={name} onInput={setName} required autoFocus maxLength={128} />}
      <Select label="Role" value={role} options={roles} onChange={setRole} hint={<a href={href("/roles")}>What each role may do</a>} />
      <TextField
        label={user ? "New password" : "Password"}
        type="password"
        value={password}
        onInput={setPassword}
        autoComplete="new-password"
        hint={`12 characters at least, letters and digits among them${user ? "; empty keeps the one there is" : ""}.`}
      />
    </FormDialog>
  );
}
