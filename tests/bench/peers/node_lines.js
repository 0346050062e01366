// The smallest peer in Node: JSON objects, one a line, on a Unix socket.
const net = require('net');

net.createServer((socket) => {
  let inbox = '';
  socket.on('data', (octets) => {
    inbox += octets;
    for (let end = inbox.indexOf('\n'); end >= 0; end = inbox.indexOf('\n')) {
      socket.write(JSON.stringify(JSON.parse(inbox.slice(0, end))) + '\n');
      inbox = inbox.slice(end + 1);
    }
  });
  socket.on('error', () => socket.destroy());
}).listen(process.argv[2]);
