// The copy that the pages keep of conversations and messages equals a fresh fetch: whatever the order, the repetition and
// the cuts of pushes, and whichever answers come late or never. The first argument is the number of runs.
import assert from "node:assert/strict";
import fc from "fast-check";
import { createServer } from "vite";

const RUNS = Number(process.argv[2] ?? 300);
const IDS = ["a", "b"];
const ME = "me";
/** The server's pages are this small, so that a few conversations and messages have several. */
const PAGE = 2;

const OriginalRequest = globalThis.Request;
globalThis.Request = class extends OriginalRequest {
  constructor(input, options) {
    super(typeof input === "string" ? new URL(input, "http://desk") : input, options);
  }
};
const immediate = () => new Promise((done) => setImmediate(done));
async function settle() {
  for (let turn = 0; turn < 6; turn += 1) await immediate();
}

/** A log of changes, the state after each position, computed anew from the first change each time. */
class Server {
  log = [];

  change(change) {
    this.log.push(change);
  }
  state(position) {
    const rows = new Map();
    const messages = [];
    let scheduled = [];
    for (const [index, { id, kind, which }] of this.log.slice(0, position).entries()) {
      const empty = { id, version: -1, received_count: 0, seen: 0, status: "open", assignee_id: null };
      const row = { ...(rows.get(id) ?? empty), position: String(index + 1) };
      row.version += 1;
      if (kind === "received" || kind === "sent") {
        const sender_type = kind === "received" ? "contact" : "agent";
        messages.push({ id: `m${index}`, conversation_id: id, cursor: String(index).padStart(6, "0"), content: "0", sender_type, metadata: {} });
      }
      const own = messages.filter((message) => message.conversation_id === id);
      if (kind === "edited" && own.length > 0) {
        const edited = own[which % own.length];
        messages[messages.indexOf(edited)] = { ...edited, content: String(index) };
      }
      if (kind === "scheduled") scheduled.push({ id: `s${index}`, conversation_id: id, sender_id: ME, state: "scheduled", send_at: String(index) });
      const waiting = scheduled.filter((message) => message.conversation_id === id);
      if (kind === "held" && waiting.length > 0) {
        const held = waiting[which % waiting.length];
        scheduled = scheduled.map((message) => (message.id === held.id ? { ...message, state: "held" } : message));
      }
      if (kind === "ended" && waiting.length > 0) {
        const { id: ended } = waiting[which % waiting.length];
        scheduled = scheduled.filter((message) => message.id !== ended);
      }
      if (kind === "received") row.received_count += 1;
      if (kind === "seen") row.seen = row.received_count;
      if (kind === "resolved") row.status = row.status === "open" ? "resolved" : "open";
      rows.set(id, row);
    }
    return { rows: [...rows.values()].map(({ seen, ...row }) => ({ ...row, unread_count: row.received_count - seen })), messages, scheduled };
  }
  /** The pushes of the change at this position. */
  pushes(position) {
    const { id, kind } = this.log[position - 1];
    const { messages: before, scheduled: waited } = this.state(position - 1);
    const { rows, messages, scheduled } = this.state(position);
    const { unread_count, ...row } = rows.find((row) => row.id === id);
    const pushes = [{ name: row.version === 0 ? "conversation:new" : "conversation:updated", object: row }];
    if (kind === "seen") pushes.push({ name: "conversation:seen", object: { conversation_id: id, received: row.received_count } });
    const changed = messages.filter((message) => !before.some((one) => one.id === message.id && one.content === message.content));
    for (const message of changed) {
      const name = before.some((one) => one.id === message.id) ? "conversation:message:updated" : "conversation:message";
      pushes.push({ name, object: { ...message, position: String(position) }, of: id });
    }
    for (const { id: message } of [...waited, ...scheduled]) {
      const [was, is] = [waited, scheduled].map((list) => list.find((one) => one.id === message));
      if (was?.state === is?.state) continue;
      const change = is === undefined ? "cancelled" : is.state;
      pushes.push({ name: "conversation:scheduled", object: { conversation_id: id, id: message, change, message: is ?? null, position: String(position) } });
    }
    return pushes;
  }
  /** What a request is answered from the state at a position. */
  answer(url, position) {
    const { rows, messages, scheduled } = this.state(position);
    const query = url.searchParams;
    const parts = url.pathname.split("/").slice(2);
    if (parts[0] === "scheduled-messages") return { data: scheduled, next_cursor: null };
    if (parts[2] === "scheduled-messages") return { data: scheduled.filter((message) => message.conversation_id === parts[1]), next_cursor: null };
    if (parts[1] === "counts") return { by_status: {}, unassigned_by_status: {}, teams: {}, assignees: {} };
    if (parts[0] !== "conversations" || parts[2] === "events") return { data: [], next_cursor: null };
    if (parts[2] === "messages") {
      const before = query.get("before") ?? "~";
      const found = messages.filter((message) => message.conversation_id === parts[1] && message.cursor < before);
      const data = found.slice(-PAGE);
      return { data, next_cursor: found.length > PAGE ? data[0].cursor : null };
    }
    if (parts.length === 2) return rows.find((row) => row.id === parts[1]);
    const statuses = query.get("status").split(",");
    const found = rows.filter((row) => statuses.includes(row.status) && row.id > (query.get("cursor") ?? "")).sort((x, y) => (x.id < y.id ? -1 : 1));
    const data = found.slice(0, 1);
    return { data, next_cursor: found.length > 1 ? data[0].id : null };
  }
}

/** The network between a desk and the server: nothing arrives before the test lets it. */
class Network {
  server = new Server();
  handlers = new Map();
  asked = [];
  waiting = [];
  timers = [];
  joined = new Set();
  isConnected = false;

  socket = () => ({
    on: (name, handler) => this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]),
    off: (name, handler) => this.handlers.set(name, (this.handlers.get(name) ?? []).filter((known) => known !== handler)),
    emit: (name, { conversation_id }, answer) => {
      if (name === "conversation:join") this.asked.push({ join: conversation_id, answer });
      if (name === "conversation:leave") this.joined.delete(conversation_id);
    },
    connect: () => undefined,
    disconnect: () => undefined,
    isConnected: () => this.isConnected,
    active: true,
  });
  fetch = (request) =>
    new Promise((answer, fail) => {
      const after = Number(request.headers.get("Verbatim-After") ?? 0);
      this.asked.push({ url: new URL(request.url), after, answer, fail });
    });
  tell(name, object) {
    for (const handler of this.handlers.get(name) ?? []) handler(object);
  }
  change(change) {
    this.server.change(change);
    for (const push of this.server.pushes(this.server.log.length)) if (push.of === undefined || this.joined.has(push.of)) this.waiting.push(push);
  }
  connect(mode) {
    if (this.isConnected) return;
    this.isConnected = true;
    if (mode === "reset") {
      this.waiting = [];
      this.joined.clear();
    }
    const first = this.waiting.map(({ object }) => Number(object.position ?? this.server.log.length));
    this.tell("sync", { mode, position: String(Math.min(this.server.log.length, ...first.map((position) => position - 1))) });
  }
  cut() {
    if (!this.isConnected) return;
    this.isConnected = false;
    this.asked = this.asked.filter(({ join }) => join === undefined);
    this.tell("disconnect", "transport close");
  }
  deliver(which, again) {
    if (!this.isConnected || this.waiting.length === 0) return;
    const index = which % this.waiting.length;
    const { name, object } = this.waiting[index];
    if (!again) this.waiting.splice(index, 1);
    this.tell(name, { ...object });
  }
  answer(which, fails, behind) {
    if (this.asked.length === 0) return;
    const [asked] = this.asked.splice(which % this.asked.length, 1);
    const end = this.server.log.length;
    if (asked.join !== undefined) {
      this.joined.add(asked.join);
      return asked.answer({ position: String(end) });
    }
    if (fails) return asked.fail(new TypeError("fetch failed"));
    const position = Math.max(asked.after, end - behind);
    const body = this.server.answer(asked.url, position);
    const headers = { "Verbatim-Position": String(position), "Content-Type": "application/json" };
    asked.answer(new Response(JSON.stringify(body ?? {}), { status: body ? 200 : 404, headers }));
  }
  runTimers() {
    const due = this.timers;
    this.timers = [];
    for (const run of due) run();
  }
}

const vite = await createServer({ server: { middlewareMode: true, ws: false, watch: null }, appType: "custom", logLevel: "error" });
const { Desk } = await vite.ssrLoadModule("/wire/desk.svelte.ts");

const kind = fc.constantFrom("received", "received", "sent", "edited", "edited", "seen", "resolved", "scheduled", "held", "ended");
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("change"), id: fc.constantFrom(...IDS), kind, which: fc.nat(9) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("deliver"), which: fc.nat(), again: fc.nat(3).map((one) => one === 0) }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant("answer"), which: fc.nat(), fails: fc.nat(4).map((one) => one === 0), behind: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ do: "cut" }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("connect"), mode: fc.constantFrom("resumed", "resumed", "reset") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("open"), id: fc.constantFrom("a", "a", undefined) }) },
  { weight: 1, arbitrary: fc.constant({ do: "older" }) },
  { weight: 1, arbitrary: fc.constant({ do: "timers" }) },
);

const byId = (rows) => [...rows].sort((x, y) => (x.id < y.id ? -1 : 1));

const property = fc.asyncProperty(fc.array(step, { maxLength: 80, size: "max" }), async (steps) => {
  const network = new Network();
  const realTimeout = globalThis.setTimeout;
  globalThis.setTimeout = (run) => network.timers.push(run);
  globalThis.fetch = network.fetch;
  const socket = network.socket();
  Object.defineProperty(socket, "connected", { get: socket.isConnected });
  const desk = new Desk({ token: "t", userId: ME, name: "", accounts: ["1"], endsAt: Infinity }, "1", () => undefined, () => socket);
  network.connect("live");
  const done = { change: (one) => network.change(one), deliver: (one) => network.deliver(one.which, one.again) };
  done.answer = (one) => network.answer(one.which, one.fails, one.behind);
  done.cut = () => network.cut();
  done.connect = (one) => network.connect(one.mode);
  done.open = (one) => desk.open(one.id);
  done.older = () => void desk.thread?.fetchOlder();
  done.timers = () => network.runTimers();
  const quiet = async () => {
    for (let idle = 0; idle < 3; ) {
      const isIdle = network.asked.length + network.waiting.length + network.timers.length === 0;
      idle = isIdle ? idle + 1 : 0;
      while (network.waiting.length > 0) network.deliver(0, false);
      while (network.asked.length > 0) network.answer(0, false, 0);
      network.runTimers();
      await settle();
    }
  };
  try {
    for (const one of steps) {
      done[one.do](one);
      await settle();
    }
    network.connect("resumed");
    desk.open("a");
    await settle();
    await quiet();
    const { rows, messages, scheduled } = network.server.state(network.server.log.length);
    const fresh = rows.map(({ unread_count, ...row }) => row);
    assert.deepEqual(byId(desk.rows.values()), byId(fresh));
    for (const row of rows) assert.equal(desk.unread(row), row.unread_count, `unread of ${row.id}`);
    assert.deepEqual(byId(desk.thread.scheduled.values()), byId(scheduled.filter((message) => message.conversation_id === "a")));
    const held = scheduled.filter(({ state }) => state === "held");
    assert.deepEqual(byId(desk.held), byId(held), "the messages that were not sent");
    const expected = messages.filter((message) => message.conversation_id === "a");
    const shown = () => desk.thread.entries.map(({ message }) => message);
    assert.deepEqual(shown(), expected.slice(expected.length - shown().length), "the newest messages, without a gap");
    while (desk.thread.older !== undefined) {
      const fetched = desk.thread.fetchOlder();
      await settle();
      await quiet();
      await fetched;
    }
    assert.deepEqual(shown(), expected, "all messages");
  } finally {
    desk.close();
    globalThis.setTimeout = realTimeout;
  }
});

try {
  await fc.assert(property, { numRuns: RUNS });
  console.log(`${RUNS} runs`);
} finally {
  await vite.close();
}
