'use strict';
// Selectors over rhea, in SQL and in XML.

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { Broker } = require('./broker.js');
const { rhea, connect, close, openSender, openReceiver, send, receive, drain, accept, once } = require('./client.js');

const redXml = '<selector xmlns="urn:giromq:selector:1"><eq><property name="colour"/><string v="red"/></eq></selector>';

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
  setTimeout(() => process.exit(), 1000).unref();
});

// A queue with red and green messages in turn: 0 to 9.
async function colouredQueue() {
  const queue = `rhea.selectors.${++number}`;
  const sender = await openSender(connection, queue);
  for (let index = 0; index < 10; index++) {
    const message = { durable: true, body: index, application_properties: { colour: index % 2 === 0 ? 'red' : 'green' } };
    assert.equal(await send(sender, message), 'accepted');
  }
  sender.close();
  return queue;
}

const source = (address, text, more = {}) => ({ address, filter: rhea.filter.selector(text), ...more });
const bodies = (received) => received.map((one) => one.message.body);

for (const [form, text] of [['sql', "colour = 'red'"], ['xml', redXml], ['xml carried by sql', `JMS_GIROMQ_XML = '${redXml}'`]]) {
  test(`a consumer gets what its selector in ${form} selects`, async () => {
    const queue = await colouredQueue();
    const receiver = await openReceiver(connection, source(queue, text));
    const reds = await drain(receiver, 100);
    assert.deepEqual(bodies(reds), [0, 2, 4, 6, 8]);
    for (const one of reds) await accept(one);
    receiver.close();
    const others = await openReceiver(connection, queue);
    assert.deepEqual(bodies(await drain(others, 100)), [1, 3, 5, 7, 9]);
    others.close();
  });

  test(`a browser sees what its selector in ${form} selects`, async () => {
    const queue = await colouredQueue();
    const receiver = await openReceiver(connection, source(queue, text, { distribution_mode: 'copy' }));
    assert.deepEqual(bodies(await drain(receiver, 100)), [0, 2, 4, 6, 8]);
    receiver.close();
  });
}

test('what arrives later is selected', async () => {
  const queue = await colouredQueue();
  const receiver = await openReceiver(connection, source(queue, "colour = 'blue'"));
  receiver.add_credit(5);
  const sender = await openSender(connection, queue);
  await send(sender, { durable: true, body: 'sky', application_properties: { colour: 'blue' } });
  assert.equal((await receive(receiver)).message.body, 'sky');
  sender.close();
  receiver.close();
});

test('a wrong selector is refused with its place', async () => {
  const receiver = connection.open_receiver({ source: source('rhea.selectors.wrong', 'colour = ') });
  await once(receiver, 'receiver_error');
  assert.equal(receiver.error.condition, 'amqp:invalid-field');
  assert.match(receiver.error.description, /1:\d+: /);
});
