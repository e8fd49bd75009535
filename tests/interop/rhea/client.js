'use strict';
// rhea with promises: every wait ends after a while and says what it waited for.

const { setTimeout: pause } = require('node:timers/promises');
const rhea = require('rhea');

// The next event of an emitter; rejects after `ms`, or when one of the events in `failures` comes first.
function once(emitter, event, { ms = 15000, failures = [] } = {}) {
  return new Promise((resolve, reject) => {
    const cleanups = [];
    const finish = (action, value) => {
      for (const cleanup of cleanups) cleanup();
      action(value);
    };
    const listen = (name, action) => {
      emitter.on(name, action);
      cleanups.push(() => emitter.removeListener(name, action));
    };
    const timer = setTimeout(() => finish(reject, new Error(`no ${event} within ${ms} ms`)), ms);
    cleanups.push(() => clearTimeout(timer));
    listen(event, (context) => finish(resolve, context));
    for (const name of failures) {
      listen(name, (context) => {
        const error = (context.receiver || context.sender || context.connection || {}).error || context.error;
        finish(reject, Object.assign(new Error(`${name}: ${error && (error.description || error.condition || error)}`), { condition: error && error.condition }));
      });
    }
  });
}

async function connect(broker, options = {}) {
  const container = rhea.create_container({ id: options.container_id || rhea.generate_uuid() });
  const connection = container.connect({ host: '127.0.0.1', port: broker.port, reconnect: false, username: 'anonymous', ...options });
  connection.on('error', () => {});
  connection.on('protocol_error', () => {});
  await once(connection, 'connection_open', { failures: ['connection_error', 'connection_close', 'disconnected'] });
  return connection;
}

async function close(connection) {
  if (!connection.is_open()) return;
  const closed = once(connection, 'connection_close');
  connection.close();
  await closed;
}

async function openSender(connection, target, options = {}) {
  const sender = connection.open_sender({ target: typeof target === 'string' ? { address: target } : target, ...options });
  sender.on('sender_error', () => {});
  await once(sender, 'sender_open');
  return sender;
}

// A receiver with what has come so far in `inbox`; credit is given by hand, outcomes too.
async function openReceiver(connection, source, options = {}) {
  const receiver = connection.open_receiver({ source: typeof source === 'string' ? { address: source } : source, credit_window: 0, autoaccept: false,
    autosettle: false, ...options });
  receiver.inbox = [];
  receiver.on('message', (context) => receiver.inbox.push({ message: context.message, delivery: context.delivery }));
  receiver.on('receiver_error', () => {});
  await once(receiver, 'receiver_open');
  return receiver;
}

// Sends and waits for the outcome: 'accepted', 'rejected', 'released' or 'modified'.
async function send(sender, message) {
  const deadline = Date.now() + 15000;
  while (!sender.sendable()) {
    if (Date.now() > deadline) throw new Error('no credit to send');
    await pause(2);
  }
  const delivery = sender.send(message);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no outcome of a send')), 30000);
    const cleanups = ['accepted', 'rejected', 'released', 'modified'].map((name) => {
      const listener = (context) => {
        if (context.delivery.id !== delivery.id) return;
        clearTimeout(timer);
        for (const cleanup of cleanups) cleanup();
        resolve(name);
      };
      sender.on(name, listener);
      return () => sender.removeListener(name, listener);
    });
  });
}

async function until(predicate, what, ms = 15000) {
  const deadline = Date.now() + ms;
  while (!predicate()) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms until ${what}`);
    await pause(2);
  }
}

async function receive(receiver, ms = 15000) {
  await until(() => receiver.inbox.length > 0, 'a message comes', ms);
  return receiver.inbox.shift();
}

// Everything there is, and the certainty that there is no more.
async function drain(receiver, credit = 100) {
  let drained = false;
  const listener = () => { drained = true; };
  receiver.once('receiver_drained', listener);
  receiver.drain = true;
  receiver.add_credit(credit);
  await until(() => drained, 'the link is drained');
  receiver.removeListener('receiver_drained', listener);
  receiver.drain = false;
  return receiver.inbox.splice(0);
}

// Accepts, and waits until the broker has settled.
async function accept(received) {
  received.delivery.update(false, rhea.message.accepted().described());
  await until(() => received.delivery.remote_settled, 'the outcome is settled');
  received.delivery.update(true);
}

module.exports = { rhea, connect, close, openSender, openReceiver, send, receive, drain, accept, once, until, pause };
