'use strict';
// Starts a real giromqd for the tests, as tests/interop/broker.py does for Python.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const build = process.env.GIROMQ_BUILD_DIR || path.join(__dirname, '..', '..', '..', 'build', 'dev');
const executable = path.join(build, 'bin', 'giromqd');

// Below the range that outgoing connections take their ports from.
async function freePort() {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 12000);
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

class Broker {
  constructor(folder, port, httpPort) {
    this.folder = folder;
    this.port = port;
    this.httpPort = httpPort;
    this.process = null;
    this.log = '';
  }

  static async create() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'giromq-rhea-'));
    const broker = new Broker(folder, await freePort(), await freePort());
    await broker.start();
    return broker;
  }

  start() {
    const child = spawn(executable, ['--dev', '--data', path.join(this.folder, 'data'), '--amqp', `127.0.0.1:${this.port}`,
      '--http', `127.0.0.1:${this.httpPort}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    process.once('exit', () => child.kill('SIGKILL'));
    return new Promise((resolve, reject) => {
      const take = (data) => {
        this.log = (this.log + data).slice(-20000);
        if (/^giromqd ready\b/m.test(this.log)) resolve();
      };
      this.log = '';
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.once('exit', (code, signal) => reject(new Error(`giromqd ended (${code ?? signal}) before it was ready\n${this.log}`)));
    });
  }

  end(signal) {
    return new Promise((resolve) => {
      this.process.once('exit', (code) => resolve(code));
      this.process.kill(signal);
    });
  }

  kill() {
    return this.end('SIGKILL');
  }

  async close() {
    await this.end('SIGKILL');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async rest(method, target, { body, user, password } = {}) {
    const headers = {};
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (user !== undefined) headers.Authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const answer = await fetch(`http://127.0.0.1:${this.httpPort}${target}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, text };
  }
}

module.exports = { Broker, executable };
