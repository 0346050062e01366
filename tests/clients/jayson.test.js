'use strict';
// jayson, a JSON-RPC library of its own history: on the Unix socket, over TCP, HTTP and WebSocket.
const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');
const jayson = require('jayson/promise');
const jayson_callback = require('jayson');
const WebSocket = require('ws');
const { daemon, within, a_sale } = require('./daemon');

// Each request of jayson's socket client is a connection of its own.
test('over the Unix socket a call is answered and an unknown method is refused', async () => {
  const client = jayson.Client.tcp({ path: daemon.unix });
  const pong = await within(client.request('system.ping', { echo: 'äöü €' }), 'ping');
  assert.equal(pong.result.echo, 'äöü €');
  const unknown = await within(client.request('no.such_method', {}), 'unknown method');
  assert.equal(unknown.error.code, -32601);
  assert.equal(unknown.error.data.kind, 'unknown_method');
});

test('over the Unix socket a repeated sale is booked once', async () => {
  const client = jayson.Client.tcp({ path: daemon.unix });
  const sale = a_sale(450);
  const first = await within(client.request('sale.record', sale), 'sale');
  const again = await within(client.request('sale.record', sale), 'the same sale');
  assert.deepEqual(again.result, first.result);
  assert.ok(first.result.sequence > 0);
});

test('over the Unix socket positional params and a batch are refused in words', async () => {
  const client = jayson.Client.tcp({ path: daemon.unix });
  const positional = await within(client.request('system.ping', ['x']), 'positional params');
  assert.equal(positional.error.code, -32600);
  const batch = await within(
    client.request([client.request('system.ping', {}, undefined, false), client.request('system.ping', {}, undefined, false)]),
    'batch');
  assert.equal([].concat(batch)[0].error.code, -32600);
});

// Over TCP a connection signs on first; jayson opens a new one for each request, so all it can say is hello.
test('over TCP a token opens the door and nothing else does', async () => {
  const client = jayson.Client.tcp({ host: '127.0.0.1', port: daemon.tcp });
  const hello = await within(client.request('session.hello', { token: daemon.token }), 'hello');
  assert.equal(hello.result.role, 'till');
  const refused = await within(client.request('system.ping', {}), 'ping without hello');
  assert.equal(refused.error.data.kind, 'hello_required');
  const wrong = await within(client.request('session.hello', { token: '0'.repeat(64) }), 'wrong token');
  assert.equal(wrong.error.data.kind, 'unauthenticated');
});

test('over TCP lines go on after hello on the same connection', async (t) => {
  const socket = net.connect(daemon.tcp, '127.0.0.1');
  t.after(() => socket.destroy());
  const answers = [];
  const done = new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('data', (some) => {
      text += some;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) answers.push(JSON.parse(text.slice(0, end)));
      if (answers.length === 2) resolve();
    });
  });
  const request = (id, method, params) => JSON.stringify(jayson.Utils.request(method, params, id)) + '\n';
  socket.write(request(1, 'session.hello', { token: daemon.token }) + request(2, 'system.ping', { echo: 7 }));
  await within(done, 'two answers');
  assert.deepEqual(answers.map((a) => a.id), [1, 2]);
  assert.equal(answers[1].result.echo, 7);
});

test('over HTTP a call with a token is answered and one without is 401', async () => {
  const options = { host: '127.0.0.1', port: daemon.http, path: '/rpc', headers: { authorization: `Bearer ${daemon.token}` } };
  const client = jayson.Client.http(options);
  const sale = a_sale(990);
  const first = await within(client.request('sale.record', sale), 'sale');
  const again = await within(client.request('sale.record', sale), 'the same sale');
  assert.ok(first.result.sequence > 0);
  assert.deepEqual(again.result, first.result);

  const nobody = jayson.Client.http({ host: '127.0.0.1', port: daemon.http, path: '/rpc' });
  await assert.rejects(within(nobody.request('system.ping', {}), 'without a token'), (why) => why.code === 401);
});

test('over HTTP connections are kept and many calls share them', async (t) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  t.after(() => agent.destroy());
  const client = jayson.Client.http({
    host: '127.0.0.1', port: daemon.http, path: '/rpc', agent, headers: { authorization: `Bearer ${daemon.token}` },
  });
  const calls = Array.from({ length: 200 }, (_, n) => client.request('system.ping', { echo: n }));
  const answers = await within(Promise.all(calls), '200 calls');
  assert.deepEqual(answers.map((a) => a.result.echo), Array.from({ length: 200 }, (_, n) => n));
});

test('over HTTP on the Unix socket the kernel vouches and no token is needed', async () => {
  const client = jayson.Client.http({ socketPath: daemon.unix, path: '/rpc' });
  const status = await within(client.request('system.status', {}), 'status');
  assert.equal(status.result.till, 'till-1');
});

function opened(ws) {
  return within(new Promise((resolve, reject) => { ws.on('open', resolve); ws.on('error', reject); }), 'WebSocket opens');
}

test('over WebSocket the first message signs on and calls follow', async (t) => {
  const ws = new WebSocket(`ws://127.0.0.1:${daemon.http}/ws`, 'tilld.v1');
  t.after(() => ws.terminate());
  await opened(ws);
  assert.equal(ws.protocol, 'tilld.v1');
  const client = jayson_callback.Client.websocket({ ws });
  const request = (method, params) => within(new Promise((resolve, reject) => {
    client.request(method, params, (why, answer) => (why ? reject(why) : resolve(answer)));
  }), method);
  const hello = await request('session.hello', { token: daemon.token });
  assert.equal(hello.result.role, 'till');
  const sale = a_sale(1250);
  const first = await request('sale.record', sale);
  const again = await request('sale.record', sale);
  assert.deepEqual(again.result, first.result);
});

test('over WebSocket a foreign Origin is refused at the door', async (t) => {
  const ws = new WebSocket(`ws://127.0.0.1:${daemon.http}/ws`, 'tilld.v1', { origin: 'https://evil.example' });
  t.after(() => ws.terminate());
  const status = await within(new Promise((resolve, reject) => {
    ws.on('unexpected-response', (_, answer) => resolve(answer.statusCode));
    ws.on('open', () => reject(new Error('the door was open')));
    ws.on('error', () => {});
  }), 'refusal');
  assert.equal(status, 403);
});
