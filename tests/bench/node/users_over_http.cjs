// GET /api/users/ID, answered from a SQLite file: node users_over_http.cjs PORT FILE
const http = require("node:http");
const users = require("./users_in_sqlite.cjs")(process.argv[3]);

const server = http.createServer({ keepAliveTimeout: 60000 }, (asked, answer) => {
  const found = asked.url.startsWith("/api/users/") && users.get(asked.url.slice("/api/users/".length));
  const body = JSON.stringify(found || { code: "unknown_user" });
  answer.writeHead(found ? 200 : 404, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  answer.end(body);
});
server.listen(+process.argv[2], "127.0.0.1", 4096);
