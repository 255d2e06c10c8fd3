// Socket.IO for Node, the control of `verbatim bench realtime`. Its first line of output is its port. Clients connect to the
// namespace `/agents` and join rooms. Each line of its input is a JSON object that says what to send:
// `{rooms, events, rate, seconds}` sends each of `events` to one room after the other, `rate` times a second. It writes
// a line when it has sent them.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const agents = new Server(http, { serveClient: false }).of("/agents");
agents.on("connection", (socket) => {
  socket.emit("sync", { mode: "live" });
  socket.on("conversation:join", ({ conversation_id }, answer) => {
    socket.join(conversation_id);
    answer({});
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));

const send = ({ rooms, events, rate, seconds }) => {
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const passed = Math.min((performance.now() - began) / 1_000, seconds);
    for (const due = Math.floor(passed * rate); sent < due; sent += 1) {
      const room = agents.to(rooms[sent % rooms.length]);
      for (const [name, object] of events) room.emit(name, object, String(sent));
    }
    if (passed === seconds) {
      clearInterval(timer);
      console.log("sent");
    }
  }, 1);
};
createInterface({ input: process.stdin })
  .on("line", (line) => send(JSON.parse(line)))
  .on("close", () => process.exit(0));
