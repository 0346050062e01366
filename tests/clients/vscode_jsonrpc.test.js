'use strict';
// vscode-jsonrpc, the library under language servers: LSP framing on the Unix socket, events, cancellation.
const assert = require('node:assert/strict');
const net = require('node:net');
const { test } = require('node:test');
const rpc = require('vscode-jsonrpc/node');
const WebSocket = require('ws');
const { daemon, within, a_sale } = require('./daemon');

// Ended with the test, however that ends: an open socket would keep the program alive.
async function connect(t, path = daemon.unix) {
  const socket = net.connect(path);
  await within(new Promise((resolve, reject) => { socket.on('connect', resolve); socket.on('error', reject); }), 'connect');
  const connection = rpc.createMessageConnection(new rpc.SocketMessageReader(socket), new rpc.SocketMessageWriter(socket));
  connection.listen();
  t.after(() => { connection.dispose(); socket.destroy(); });
  return connection;
}

test('LSP framing on the Unix socket is recognised and answered in kind', async (t) => {
  const connection = await connect(t);
  const hello = await within(connection.sendRequest('session.hello', { client: { name: 'vscode-jsonrpc', version: '10' } }), 'hello');
  assert.equal(hello.till, 'till-1');
  const pong = await within(connection.sendRequest('system.ping', { echo: 'zwölf Stück à 1,99 €\n' }), 'ping');
  assert.equal(pong.echo, 'zwölf Stück à 1,99 €\n');
});

test('a hundred calls in flight are all answered', async (t) => {
  const connection = await connect(t);
  const calls = Array.from({ length: 100 }, (_, n) => connection.sendRequest('system.ping', { echo: n }));
  assert.deepEqual((await within(Promise.all(calls), '100 calls')).map((a) => a.echo), [...Array(100).keys()]);
});

test('a refusal arrives as a ResponseError with its data', async (t) => {
  const connection = await connect(t);
  const sale = a_sale(100);
  await within(connection.sendRequest('sale.record', sale), 'sale');
  const other = { ...sale, total: { minor: 200, currency: 'EUR' }, tenders: [] };
  await assert.rejects(within(connection.sendRequest('sale.record', other), 'other content'), (why) => {
    assert.ok(why instanceof rpc.ResponseError);
    assert.equal(why.data.kind, 'key_conflict');
    assert.equal(why.data.retryable, false);
    return true;
  });
});

test('a scan arrives as a notification', async (t) => {
  const till = await connect(t);
  const scan = new Promise((resolve) => {
    till.onNotification('events.notify', (event) => { if (event.topic === 'scanner.scanned') resolve(event); });
  });
  await within(till.sendRequest('events.subscribe', { topics: ['scanner'] }), 'subscribe');
  const hand = await connect(t, daemon.admin);
  await within(hand.sendRequest('org.tilld.simulation.scan', { text: '4006381333931' }), 'scan');
  assert.equal((await within(scan, 'the scan')).data.text, '4006381333931');
});

test('a call that waits for a card is cancelled by the library\'s own token and says so', async (t) => {
  const connection = await connect(t);
  const source = new rpc.CancellationTokenSource();
  const waiting = connection.sendRequest('reader.await', { deadline_ms: 20000 }, source.token);
  await within(connection.sendRequest('system.ping', {}), 'ping while it waits');
  source.cancel();
  await assert.rejects(within(waiting, 'the cancelled call'), (why) => why.code === -32800);
});

test('a connection that was cut in the middle of a message harms nobody', async (t) => {
  const socket = net.connect(daemon.unix);
  socket.on('error', () => {});
  await within(new Promise((resolve) => socket.write('Content-Length: 500\r\n\r\n{"jsonrpc":', resolve)), 'half a message');
  socket.destroy();
  const connection = await connect(t);
  await within(connection.sendRequest('system.ping', {}), 'ping afterwards');
});

// The library's own reader and writer over another transport: one message a WebSocket text message.
test('over WebSocket the same connection class works with a reader of messages', async (t) => {
  const ws = new WebSocket(`ws://127.0.0.1:${daemon.http}/ws`, 'tilld.v1');
  t.after(() => ws.terminate());
  await within(new Promise((resolve, reject) => { ws.on('open', resolve); ws.on('error', reject); }), 'open');
  class reader extends rpc.AbstractMessageReader {
    listen(callback) {
      ws.on('message', (text) => callback(JSON.parse(text)));
      return { dispose() {} };
    }
  }
  class writer extends rpc.AbstractMessageWriter {
    async write(message) { ws.send(JSON.stringify(message)); }
    end() {}
  }
  const connection = rpc.createMessageConnection(new reader(), new writer());
  connection.listen();
  const hello = await within(connection.sendRequest('session.hello', { token: daemon.token }), 'hello');
  assert.equal(hello.role, 'till');
  assert.equal((await within(connection.sendRequest('system.ping', { echo: 1 }), 'ping')).echo, 1);
});
