'use strict';
// socat, as a person at a terminal or a shell script would use it.
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { daemon, a_sale } = require('./daemon');

// What socat prints when it gets these lines, as JSON; -t is how long it waits after the last line was sent.
function socat(address, lines) {
  return new Promise((resolve, reject) => {
    const child = execFile('socat', ['-t10', '-', address], { timeout: 15000 }, (failed, out) => {
      if (failed) reject(failed);
      else resolve(out.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
    });
    child.stdin.end(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)) + '\n').join(''));
  });
}

const request = (id, method, params) => ({ jsonrpc: '2.0', id, method, params });

test('lines on the Unix socket are answered, and the answers of slow calls come before the end', async () => {
  const sale = a_sale(333);
  const answers = await socat(`UNIX-CONNECT:${daemon.unix}`,
    [request(1, 'system.ping', { echo: 'a' }), request('two', 'sale.record', sale), '', request(3, 'system.ping', {})]);
  assert.deepEqual(new Set(answers.map((a) => a.id)), new Set([1, 'two', 3]));
  assert.ok(answers.find((a) => a.id === 'two').result.sequence > 0);
});

test('what is not JSON is answered with a parse error and the next line is served', async () => {
  const answers = await socat(`UNIX-CONNECT:${daemon.unix}`, ['{not json', request(2, 'system.ping', {})]);
  assert.equal(answers[0].error.code, -32700);
  assert.equal(answers[0].id, null);
  assert.equal(answers[1].id, 2);
});

test('a web request on the line port is refused at its first line', async () => {
  const answers = await socat(`TCP:127.0.0.1:${daemon.tcp}`, ['POST / HTTP/1.1', 'Host: 127.0.0.1', '', request(1, 'system.ping', {})]);
  assert.equal(answers.length, 1);
  assert.ok(answers[0].error);
});
