// A stock Socket.IO client that a test drives. Each line of its input is a JSON object that says what to do; each line of its
// output is one that says what happened. Its only argument is the options:
// `{url, auth, transports, delay, extraHeaders, description}`, of which the last is the file of the description that events
// must match.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { Events } from "./description.js";

const { url, auth, transports, description, delay = 10, extraHeaders } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const described = new Events(description, new URL(url).pathname);
const check = (reason) => reason && say({ is: "undescribed", reason });

const socket = io(url, {
  auth,
  transports,
  extraHeaders,
  reconnectionDelay: delay,
  reconnectionDelayMax: 10 * delay,
  randomizationFactor: 0,
});
socket.on("connect", () => {
  say({ is: "connect", recovered: socket.recovered, transport: socket.io.engine.transport.name });
});
const listen = () => socket.io.engine.once("upgrade", (transport) => say({ is: "upgrade", transport: transport.name }));
listen();
socket.io.on("reconnect_attempt", () => queueMicrotask(listen));
socket.on("connect_error", (error) => say({ is: "connect_error", message: error.message, data: error.data }));
socket.on("disconnect", (reason) => say({ is: "disconnect", reason }));
socket.onAny((name, ...args) => {
  check(described.wrongEvent(name, args));
  say({ is: "event", name, args });
});

const actions = {
  emit: ({ event, number }) =>
    socket.emit(...event, (answer) => {
      check(described.wrongAnswer(...event, answer));
      say({ is: "ack", number, answer });
    }),
  connect: () => socket.connect(),
  leave: () => socket.disconnect(),
  // Without a packet that says so, as when the network fails.
  cut: () => socket.io.engine.transport.ws.terminate(),
  stopReading: () => socket.io.engine.transport.ws._socket.pause(),
  read: () => socket.io.engine.transport.ws._socket.resume(),
};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const action = JSON.parse(line);
    actions[action.do](action);
  })
  .on("close", () => process.exit(0));
