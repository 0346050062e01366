'use strict';
// What the C++ side (clients_test.cpp) says of the daemon that these programs talk to: where its doors are, and the tokens
// that it made for them.
const daemon = JSON.parse(process.env.TILLD_UNDER_TEST);

// A promise that is refused after a while, so that an answer that never comes is a failure and not a wait.
function within(promise, what, wait_ms = 15000) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`${what}: nothing came in ${wait_ms} ms`)), wait_ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let sales = 0;
// The params of a small sale under a key that nobody used before.
function a_sale(minor) {
  return {
    idempotency_key: `${process.pid}-${Date.now()}-${++sales}`,
    total: { minor, currency: 'EUR' },
    tenders: [{ type: 'cash', amount: { minor, currency: 'EUR' } }],
  };
}

module.exports = { daemon, within, a_sale };
