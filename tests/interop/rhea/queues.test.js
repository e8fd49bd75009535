'use strict';
// Queues as an application over rhea sees them.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { Broker } = require('./broker.js');
const { rhea, connect, close, openSender, openReceiver, send, receive, drain, accept, once, until, pause } = require('./client.js');

let broker;
let connection;
let number = 0;

before(async () => {
  broker = await Broker.create();
  connection = await connect(broker);
});

after(async () => {
  if (connection) await close(connection);
  if (broker) await broker.close();
  // rhea keeps the heartbeat timers of connections that broke: they must not keep this process.
  setTimeout(() => process.exit(), 1000).unref();
});

const newQueue = () => `rhea.${++number}`;

async function sendAll(queue, messages, over = connection) {
  const sender = await openSender(over, queue);
  for (const message of messages) assert.equal(await send(sender, { durable: true, ...message }), 'accepted');
  sender.close();
}

async function takeAll(queue, over = connection) {
  const receiver = await openReceiver(over, queue);
  const found = await drain(receiver, 1000);
  for (const one of found) await accept(one);
  receiver.close();
  return found.map((one) => one.message.body);
}

test('a message that is sent is received', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 'hello', subject: 'greeting' }]);
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(1);
  const received = await receive(receiver);
  assert.equal(received.message.body, 'hello');
  assert.equal(received.message.subject, 'greeting');
  assert.equal(received.message.durable, true);
  assert.equal(received.message.delivery_count || 0, 0);
  await accept(received);
  receiver.close();
  assert.deepEqual(await takeAll(queue), []);
});

test('many pipelined messages keep their order, with the credit and settling that rhea does by itself', async () => {
  const queue = newQueue();
  const count = 3000;
  const sender = await openSender(connection, queue);
  let sent = 0;
  let accepted = 0;
  const pump = () => {
    while (sent < count && sender.sendable()) sender.send({ durable: true, body: sent++ });
  };
  sender.on('accepted', () => accepted++);
  sender.on('sendable', pump);
  pump();
  await until(() => accepted === count, 'all are accepted', 60000);
  const receiver = connection.open_receiver({ source: queue });
  const bodies = [];
  receiver.on('message', (context) => bodies.push(context.message.body));
  await until(() => bodies.length === count, 'all are received', 60000);
  assert.deepEqual(bodies, Array.from({ length: count }, (_, index) => index));
  sender.close();
  receiver.close();
});

test('no more is delivered than there is credit', async () => {
  const queue = newQueue();
  await sendAll(queue, [1, 2, 3, 4, 5].map((body) => ({ body })));
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(2);
  await until(() => receiver.inbox.length === 2, 'two messages come');
  await pause(200);
  assert.equal(receiver.inbox.length, 2);
  receiver.close();
});

test('drain says at once that a queue is empty, and never too early', async () => {
  const queue = newQueue();
  const receiver = await openReceiver(connection, queue);
  assert.deepEqual(await drain(receiver, 10), []);
  for (let body = 0; body < 50; body++) {
    await sendAll(queue, [{ body }]);
    const found = await drain(receiver, 1);
    assert.deepEqual(found.map((one) => one.message.body), [body]);
    await accept(found[0]);
  }
  receiver.close();
});

test('a drain is answered also when messages have used up its credit', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 1 }, { body: 2 }, { body: 3 }]);
  const receiver = await openReceiver(connection, queue);
  for (const credit of [1, 2, 1]) {
    receiver.drain = true;
    const drained = once(receiver, 'receiver_drained');
    receiver.add_credit(credit);
    await drained;
  }
  assert.deepEqual(receiver.inbox.map((one) => one.message.body), [1, 2, 3]);
  for (const one of receiver.inbox) await accept(one);
  receiver.drain = false;
  receiver.add_credit(1);
  await sendAll(queue, [{ body: 4 }]);
  await until(() => receiver.inbox.length === 4);
  await accept(receiver.inbox[3]);
  receiver.close();
});

test('a rejected message goes to the dead-letter queue with its story', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 'bad' }]);
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(1);
  (await receive(receiver)).delivery.reject({ condition: 'test:ugly', description: 'not this one' });
  const dead = await openReceiver(connection, 'DLQ');
  dead.add_credit(1);
  const received = await receive(dead);
  assert.equal(received.message.body, 'bad');
  const annotations = received.message.message_annotations;
  assert.equal(annotations['x-opt-giromq-dead-letter-cause'], 'rejected');
  assert.equal(annotations['x-opt-giromq-dead-letter-origin'], queue);
  assert.match(annotations['x-opt-giromq-dead-letter-description'], /test:ugly/);
  await accept(received);
  receiver.close();
  dead.close();
});

test('released and modified messages come back in their place', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 'a' }, { body: 'b' }, { body: 'c' }]);
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(2);
  const [first, second] = [await receive(receiver), await receive(receiver)];
  second.delivery.release();
  first.delivery.modified({ delivery_failed: true });
  const found = await drain(receiver, 10);
  assert.deepEqual(found.map((one) => [one.message.body, one.message.delivery_count || 0]), [['a', 1], ['b', 0], ['c', 0]]);
  found[0].delivery.modified({ delivery_failed: true, undeliverable_here: true });
  assert.deepEqual(await drain(receiver, 10), []);
  receiver.close();
});

test('a browser takes nothing', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 1 }, { body: 2 }]);
  const browser = await openReceiver(connection, { address: queue, distribution_mode: 'copy' }, { snd_settle_mode: 1 });
  assert.deepEqual((await drain(browser, 10)).map((one) => one.message.body), [1, 2]);
  browser.close();
  assert.deepEqual(await takeAll(queue), [1, 2]);
});

test('unsettled messages of a broken connection are redelivered, marked', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 1 }, { body: 2 }, { body: 3 }]);
  const broken = await connect(broker);
  const lost = await openReceiver(broken, queue);
  lost.add_credit(2);
  await until(() => lost.inbox.length === 2, 'two messages come');
  broken.socket.destroy();
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(3);
  const found = [await receive(receiver), await receive(receiver), await receive(receiver)];
  assert.deepEqual(found.map((one) => one.message.body), [1, 2, 3]);
  assert.deepEqual(found.map((one) => (one.message.delivery_count || 0) > 0), [true, true, false]);
  receiver.close();
});

test('a request is answered over a dynamic queue and the anonymous relay', async () => {
  const queue = newQueue();
  const replies = await openReceiver(connection, { dynamic: true });
  const address = replies.source.address;
  assert.ok(address);
  await sendAll(queue, [{ body: 'ping', reply_to: address, correlation_id: 'c1' }]);
  const server = await connect(broker);
  const requests = await openReceiver(server, queue);
  requests.add_credit(1);
  const request = await receive(requests);
  const relay = await openSender(server, {});
  assert.equal(await send(relay, { to: request.message.reply_to, correlation_id: request.message.correlation_id, body: 'pong' }), 'accepted');
  await accept(request);
  replies.add_credit(1);
  const reply = await receive(replies);
  assert.deepEqual([reply.message.body, reply.message.correlation_id], ['pong', 'c1']);
  await close(server);
  replies.close();
});

test('a large message arrives whole', async () => {
  const queue = newQueue();
  const body = Buffer.alloc(10 * 1024 * 1024);
  for (let index = 0; index < body.length; index += 4) body.writeUInt32BE((index * 2654435761) % 4294967296, index);
  await sendAll(queue, [{ body: rhea.message.data_section(body) }]);
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(1);
  const received = await receive(receiver, 60000);
  assert.ok(body.equals(received.message.body.content), 'byte for byte');
  await accept(received);
  receiver.close();
});

test('properties and annotations of many types come back as they were', async () => {
  const queue = newQueue();
  const { types } = rhea;
  const message = {
    durable: true, priority: 8, message_id: 'id-1', user_id: Buffer.from('anonymous'), to: queue, subject: 's', reply_to: 'r', correlation_id: 'c',
    content_type: 'text/plain', group_id: 'g', group_sequence: 3, creation_time: new Date(1790000000000),
    application_properties: {
      text: 'Zürich', yes: true, byte: types.wrap_byte(-5), short: types.wrap_short(-500), int: types.wrap_int(-70000), double: types.wrap_double(0.5),
      long: types.wrap_long(1234567890123), ubyte: types.wrap_ubyte(200), time: types.wrap_timestamp(1790000000000), binary: types.wrap_binary(Buffer.from([0, 1, 255])),
    },
    message_annotations: { 'x-opt-number': types.wrap_ulong(7), 'x-opt-map': types.wrap_map({ inner: 'value' }), 'x-opt-list': types.wrap_list([1, 'two']) },
    body: { list: [1, 2, 3], text: 'body' },
  };
  await sendAll(queue, [message]);
  const receiver = await openReceiver(connection, queue);
  receiver.add_credit(1);
  const { message: back, delivery } = await receive(receiver);
  for (const field of ['priority', 'message_id', 'subject', 'reply_to', 'correlation_id', 'content_type', 'group_id', 'group_sequence', 'body', 'durable']) {
    assert.deepEqual(back[field], message[field], field);
  }
  assert.equal(back.creation_time.valueOf(), 1790000000000);
  const properties = back.application_properties;
  assert.deepEqual([properties.text, properties.yes, properties.byte, properties.short, properties.int, properties.double, properties.long, properties.ubyte],
    ['Zürich', true, -5, -500, -70000, 0.5, 1234567890123, 200]);
  assert.deepEqual(properties.binary, Buffer.from([0, 1, 255]));
  assert.equal(properties.time.valueOf(), 1790000000000);
  assert.deepEqual(back.message_annotations, { 'x-opt-number': 7, 'x-opt-map': { inner: 'value' }, 'x-opt-list': [1, 'two'] });
  await accept({ delivery });
  receiver.close();
});

test('an expired message is not delivered', async () => {
  const queue = newQueue();
  await sendAll(queue, [{ body: 'short', ttl: 150 }, { body: 'long', ttl: 600000 }]);
  await pause(350);
  assert.deepEqual(await takeAll(queue), ['long']);
});

test('an equal duplicate id is stored once', async () => {
  const queue = newQueue();
  for (const body of ['first', 'second']) await sendAll(queue, [{ body, application_properties: { GIROMQ_DUPLICATE_ID: 'same' } }]);
  assert.deepEqual(await takeAll(queue), ['first']);
});

test('a refused link is told why, and the connection lives', async () => {
  const receiver = connection.open_receiver({ source: { address: 'x'.repeat(300) } });
  await once(receiver, 'receiver_error');
  assert.match(receiver.error.condition, /^amqp:/);
  await sendAll(newQueue(), [{ body: 'fine' }]);
});

test('a persistent message survives a crash; rhea reconnects by itself and goes on', async () => {
  const queue = newQueue();
  const steady = await connect(broker, { reconnect: true, initial_reconnect_delay: 20, max_reconnect_delay: 100 });
  const bodies = [];
  const receiver = steady.open_receiver({ source: queue });
  receiver.on('message', (context) => bodies.push(context.message.body));
  await once(receiver, 'receiver_open');
  await sendAll(queue, [{ body: 'before' }], steady);
  await until(() => bodies.includes('before'), 'the first message comes');
  await pause(100);
  await broker.kill();
  await broker.start();
  connection = await connect(broker);
  await sendAll(queue, [{ body: 'after' }]);
  await until(() => bodies.includes('after'), 'the message after the crash comes', 30000);
  await close(steady);
});
