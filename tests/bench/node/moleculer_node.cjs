// A node of Moleculer over its TCP transporter: node moleculer_node.cjs api|users PORT_OF_API,PORT_OF_USERS HTTP_PORT|FILE
const { ServiceBroker } = require("moleculer");
const [role, ports, what] = process.argv.slice(2);
const [api, users] = ports.split(",");
const broker = new ServiceBroker({
  nodeID: role, namespace: "bench", logger: false, metrics: false, requestTimeout: 10000,
  transporter: { type: "TCP", options: {
    udpDiscovery: false, port: +(role === "api" ? api : users),
    urls: [`127.0.0.1:${api}/api`, `127.0.0.1:${users}/users`] } },
});
if (role === "users") {
  const found = require("./users_in_sqlite.cjs")(what);
  broker.createService({ name: "users", actions: { get: (context) => found.get(context.params.user_id) } });
} else {
  broker.createService({
    name: "api", mixins: [require("moleculer-web")],
    settings: {
      ip: "127.0.0.1", port: +what, logRequest: null, logResponse: null, log4XXResponses: false,
      routes: [{ path: "/api", mappingPolicy: "restrict", aliases: { "GET users/:user_id": "users.get" } }],
    },
  });
}
process.on("SIGTERM", () => broker.stop().then(() => process.exit(0)));
broker.start();
