import { path } from "../api/client";
import { useResource } from "../api/resource";
import type { Certificate, Overview } from "../api/types";
import { plural } from "../lib/format";
import { Badge, Empty, Failure, PageHead, Time } from "../ui/basics";
import { Table, type Column } from "../ui/table";

function expiry(certificate: Certificate) {
  if (certificate.daysLeft < 0) return <Badge tone="danger">expired</Badge>;
  return (
    <Badge tone={certificate.daysLeft < 7 ? "danger" : certificate.daysLeft < 30 ? "warning" : "good"}>
      {plural(certificate.daysLeft, "day")} left
    </Badge>
  );
}

const columns: Column<Certificate>[] = [
  { id: "listener", title: "Shown by", render: (one) => one.listener },
  { id: "subject", title: "Subject", grow: true, render: (one) => <span class="wrap">{one.subject}</span> },
  { id: "issuer", title: "Issuer", grow: true, render: (one) => <span class="wrap muted">{one.issuer}</span> },
  { id: "until", title: "Valid until", figure: true, render: (one) => <Time at={one.notAfter} /> },
  { id: "left", title: "Left", figure: true, render: expiry },
];

export function CertificatesPage() {
  const { data, error, reload } = useResource<Overview>(path(["overview"]), 60_000);
  return (
    <>
      <PageHead
        title="Certificates"
        about="Those the broker shows to its clients. A new file is read when the configuration is reloaded."
      />
      {error && !data ? (
        <Failure error={error} retry={reload} />
      ) : (
        <Table
          label="Certificates"
          columns={columns}
          rows={data ? (data.certificates ?? []) : null}
          keyOf={(one) => `${one.listener} ${one.subject}`}
          skeletonRows={3}
          empty={
            <Empty icon="certificate" title="No listener uses TLS">
              Clients of other machines should have it: see the configuration of the listeners.
            </Empty>
          }
        />
      )}
    </>
  );
}
