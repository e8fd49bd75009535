import { path } from "../api/client";
import { useResource } from "../api/resource";
import type { Page, Role, RoleDescription } from "../api/types";
import { href } from "../router";
import { Badge, Card, Failure, PageHead, Skeleton } from "../ui/basics";

const texts: Record<Role, string> = {
  administrator: "Everything, with users, permissions and the configuration.",
  operator: "Sees everything and works with queues, messages, connections and transactions.",
  auditor: "Sees everything but the bodies of messages, and changes nothing.",
  application: "Sends and receives over AMQP, what permissions allow.",
};

export function RolesPage() {
  const resource = useResource<Page<RoleDescription>>(path(["roles"]));
  const { data, error, reload } = resource;
  return (
    <>
      <PageHead
        title="Roles"
        about={
          <>
            They are fixed. What applications may do with which queues is said by <a href={href("/permissions")}>permissions</a>.
          </>
        }
      />
      {error && !data ? (
        <Failure error={error} retry={reload} />
      ) : !data ? (
        <Skeleton lines={8} />
      ) : (
        <div class="columns">
          {data.items.map((role) => (
            <Card key={role.name} title={role.name} actions={<a href={href("/users", { role: role.name })}>Users</a>}>
              <p class="muted role-text">{texts[role.name]}</p>
              <div class="chips">
                {role.mayDo.length === 0 ? (
                  <span class="muted">Nothing but what permissions allow.</span>
                ) : (
                  role.mayDo.map((action) => <Badge key={action}>{action}</Badge>)
                )}
              </div>
            </Card>
          ))}
        </div>
      )}
    </>
  );
}
