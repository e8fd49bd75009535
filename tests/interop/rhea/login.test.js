'use strict';
// Logging in with user and password (rhea knows PLAIN, not SCRAM).

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { Broker } = require('./broker.js');
const { connect, close, openSender, send } = require('./client.js');

let broker;

before(async () => {
  broker = await Broker.create();
  const answer = await broker.rest('PUT', '/api/v1/users/rhea', { body: { role: 'application', password: 'correct horse battery 9' } });
  assert.ok(answer.status >= 200 && answer.status < 300, `creating a user: ${answer.status} ${answer.text}`);
  const grant = { grantee: { kind: 'user', name: 'rhea' }, pattern: '#', actions: ['send', 'receive', 'browse', 'read-body', 'create'] };
  const granted = await broker.rest('POST', '/api/v1/permissions', { body: grant });
  assert.equal(granted.status, 201, `granting: ${granted.status} ${granted.text}`);
});

after(async () => {
  if (broker) await broker.close();
  // rhea keeps the heartbeat timers of connections that broke: they must not keep this process.
  setTimeout(() => process.exit(), 1000).unref();
});

test('the right password is let in', async () => {
  const connection = await connect(broker, { username: 'rhea', password: 'correct horse battery 9' });
  const sender = await openSender(connection, 'login');
  assert.equal(await send(sender, { durable: true, body: 'in' }), 'accepted');
  await close(connection);
});

test('without a user name, and so without SASL, rhea is let in as nobody', async () => {
  const connection = await connect(broker, { username: undefined });
  const sender = await openSender(connection, 'login');
  assert.equal(await send(sender, { durable: true, body: 'in' }), 'accepted');
  await close(connection);
});

for (const [name, username, password] of [['a wrong password', 'rhea', 'wrong'], ['an unknown user', 'nobody', 'correct horse battery 9'],
  ['a name with a zero byte', 'rh\0ea', 'x']]) {
  test(`${name} is refused`, async () => {
    await assert.rejects(connect(broker, { username, password }));
  });
}
