// Passes streams of requests to the HTTP server of Node.js, whose parser is llhttp, and prints how
// it decides. Each line of the input is a stream in hexadecimal; each line of the output has the
// status codes of the responses, in order.
'use strict';
const http = require('http');
const readline = require('readline');
const {Duplex} = require('stream');

const server = http.createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end());
});
server.on('connect', (request, socket) => {
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
});

// Resolves to the status codes once the stream is consumed.
function decide(bytes) {
  return new Promise((resolve) => {
    let output = '';
    const socket = new Duplex({
      read() {},
      write(chunk, encoding, done) {
        output += chunk.toString('latin1');
        done();
      },
    });
    server.emit('connection', socket);
    if (bytes.length > 0) socket.push(bytes);
    // The server has consumed the bytes when a few turns of the loop are over.
    let turns = 10;
    const wait = () => {
      if (turns-- > 0) return setImmediate(wait);
      const codes = Array.from(output.matchAll(/HTTP\/1\.1 (\d+)/g), (match) => match[1]);
      socket.destroy();
      resolve(codes.filter((code) => code !== '100').join(' '));
    };
    setImmediate(wait);
  });
}

async function main() {
  const lines = readline.createInterface({input: process.stdin});
  for await (const line of lines) console.log(await decide(Buffer.from(line, 'hex')));
  process.exit(0);
}

main();
