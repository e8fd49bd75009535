// The console against the made-up broker of admin-web/ui/mock.

export async function openTarget() {
  const { makeServer } = await import("../../../admin-web/ui/mock/server.mjs");
  const server = makeServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { broker } = server;
  for (const name of ["doomed", "purged", "changed", "target"]) broker.create(name, { origin: "administrator" });
  broker.put(broker.queue("purged"), 25);
  const xid = [...broker.transactions.keys()];
  const again = { ...broker.transactions.get(xid[0]), xid: "1:aabbccdd:ee01" };
  broker.transactions.set(again.xid, again);
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    user: "admin",
    password: "correct horse",
    isCompressed: false,
    lacks: new Set(),
    queue: "payments.in",
    deadLetters: "DLQ",
    prepared: [xid[0], again.xid],
    async change(queue, settings) {
      broker.change(queue, settings);
    },
    async endSessions() {
      server.sessions.clear();
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
