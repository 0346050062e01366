'use strict';
// A real browser: a page of an origin that the configuration names may talk to the daemon, and a page of any other origin may not,
// on the same host with another port as little as on another host.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { daemon, within, a_sale } = require('./daemon');

const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => fs.existsSync(file));

// What runs in the page. It reports to its own server, so that what is asserted is what the page itself could see.
async function page_script(rpc, ws_url, token, sale) {
  const seen = {};
  const call = async (method, params) => {
    const answer = await fetch(rpc, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return answer.json();
  };
  try {
    seen.ping = (await call('system.ping', { echo: 'page' })).result.echo;
    const first = await call('sale.record', sale);
    const again = await call('sale.record', sale);
    seen.sequence = first.result.sequence;
    seen.once = JSON.stringify(first.result) === JSON.stringify(again.result);
  } catch (why) {
    seen.fetch_failed = String(why);
  }
  try {
    // A request that needs no preflight still may not act.
    const answer = await fetch(rpc, { method: 'POST', mode: 'no-cors', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'sale.record', params: { ...sale, idempotency_key: sale.idempotency_key + '-x' } }) });
    seen.no_cors = answer.type;
  } catch (why) {
    seen.no_cors = String(why);
  }
  await new Promise((done) => {
    const ws = new WebSocket(ws_url, 'tilld.v1');
    const give_up = setTimeout(() => { seen.ws_failed = 'silence'; done(); }, 10000);
    let next = 1;
    const say = (method, params) => ws.send(JSON.stringify({ jsonrpc: '2.0', id: next++, method, params }));
    ws.onopen = () => say('session.hello', { token });
    ws.onmessage = (message) => {
      const it = JSON.parse(message.data);
      if (it.id === 1) { seen.ws_role = it.result && it.result.role; say('events.subscribe', { topics: ['scanner'] }); }
      if (it.id === 2) fetch('/subscribed', { method: 'POST' });
      if (it.method === 'events.notify') { seen.ws_scan = it.params.data.text; clearTimeout(give_up); ws.close(); done(); }
    };
    ws.onerror = () => { seen.ws_failed = 'error'; clearTimeout(give_up); done(); };
  });
  await fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
}

// Serves the page on this port, opens it in the browser as this host, and gives back what it saw.
async function visit(host, port, scan) {
  let report;
  const seen = new Promise((resolve) => { report = resolve; });
  const sale = a_sale(700);
  const page = `<!doctype html><meta charset="utf-8"><script>(${page_script})(${
    [`http://127.0.0.1:${daemon.http}/rpc`, `ws://127.0.0.1:${daemon.http}/ws`, daemon.page_token, sale].map((x) => JSON.stringify(x)).join(',')})</script>`;
  const server = http.createServer((request, answer) => {
    let body = '';
    request.on('data', (some) => { body += some; });
    request.on('end', () => {
      answer.setHeader('content-type', 'text/html; charset=utf-8');
      answer.end(request.url === '/' ? page : '');
      if (request.url === '/subscribed') scan();
      if (request.url === '/seen') report(JSON.parse(body));
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'tilld-page-'));
  const child = spawn(browser, ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    `--user-data-dir=${profile}`, `http://${host}:${port}/`], { stdio: 'ignore', detached: true });
  try {
    return await within(seen, 'the page', 60000);
  } finally {
    const gone = new Promise((resolve) => child.on('exit', resolve));
    try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has ended by itself */ }
    await within(gone, 'the end of the browser');
    server.closeAllConnections();
    server.close();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

// A scan, as an administrator makes it on the simulated scanner.
function scan() {
  const net = require('node:net');
  const socket = net.connect(daemon.admin);
  socket.on('error', () => {});
  socket.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'org.tilld.simulation.scan', params: { text: '2000000012345' } }) + '\n');
}

// How many records the journal has, by an administrator.
function journal_length() {
  const jayson = require('jayson/promise');
  return jayson.Client.tcp({ path: daemon.admin }).request('journal.head', {}).then((answer) => answer.result.sequence);
}

test('the browser is installed', () => assert.ok(browser, 'chromium is missing; ./dev setup installs it'));

test('a page of an allowed origin calls, books once, and hears scans', async () => {
  const seen = await visit('127.0.0.1', daemon.page_port, scan);
  assert.equal(seen.fetch_failed, undefined);
  assert.equal(seen.ping, 'page');
  assert.ok(seen.sequence > 0);
  assert.equal(seen.once, true);
  assert.equal(seen.ws_failed, undefined);
  assert.equal(seen.ws_role, 'till');
  assert.equal(seen.ws_scan, '2000000012345');
});

for (const [what, host] of [['another port of the same host', '127.0.0.1'], ['another host', 'localhost']]) {
  test(`a page of a foreign origin (${what}) reads nothing and changes nothing`, async () => {
    const before = await within(journal_length(), 'journal');
    const seen = await visit(host, daemon.foreign_port, () => {});
    assert.match(seen.fetch_failed, /Failed to fetch/);
    assert.equal(seen.ping, undefined);
    assert.equal(seen.ws_failed, 'error');
    assert.equal(seen.ws_role, undefined);
    assert.equal(await within(journal_length(), 'journal'), before);
  });
}
