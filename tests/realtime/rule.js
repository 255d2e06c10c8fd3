// The client's rule, as the example of docs/realtime.md has it, keeps the same copy as a fresh fetch: whatever the order,
// the repetition and the cuts of pushes, and whichever answers of the list come late. The first argument is the compiled
// example.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { pathToFileURL } from "node:url";
import fc from "fast-check";

const { follow } = await import(pathToFileURL(process.argv[2]));
const RUNS = Number(process.argv[3]);
const IDS = ["a", "b"];
const PAGE = 1;

// A log of changes, the state after each position, computed anew from the first change each time.
class Server {
  log = [];

  change(id, kind) {
    this.log.push({ id, kind });
  }
  /** All rows after so many changes, as a fetch lists them. */
  state(position = this.log.length, log = this.log) {
    const rows = new Map();
    for (const { id, kind } of log.slice(0, position)) {
      const { version, received_count, seen, text } = rows.get(id) ?? { version: -1, received_count: 0, seen: 0, text: "" };
      const row = { id, version: version + 1, received_count, seen, text: text + kind[0] };
      if (kind === "received") row.received_count += 1;
      if (kind === "seen") row.seen = received_count;
      rows.set(id, row);
    }
    return [...rows.values()].map(({ seen, ...row }) => ({ ...row, unread_count: row.received_count - seen }));
  }
  /** The pushes of the change at this position. The row is as new as the tables were: not older than the change. */
  pushes(position, tables) {
    const { id, kind } = this.log[position - 1];
    const { unread_count, ...row } = this.state(tables).find((row) => row.id === id);
    const pushes = [[row.version === 0 ? "conversation:new" : "conversation:updated", row]];
    if (kind === "seen") pushes.push(["conversation:seen", { conversation_id: id, received: row.received_count - unread_count }]);
    return pushes;
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("change"), id: fc.constantFrom(...IDS), kind: fc.constantFrom("received", "seen", "other") }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver"), which: fc.nat(), again: fc.nat(3).map((one) => one === 0), newer: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("answer"), which: fc.nat(), fails: fc.nat(3).map((one) => one === 0) }) },
  { weight: 1, arbitrary: fc.constant({ do: "cut" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset"), forgotten: fc.nat(3) }) },
);

const property = fc.asyncProperty(fc.nat(IDS.length), fc.array(step, { maxLength: 60, size: "max" }), async (before, steps) => {
  const server = new Server();
  for (let number = 0; number < before; number += 1) server.change(IDS[number], "received");
  const socket = new EventEmitter();
  let asked = [];
  const list = (after, cursor) => new Promise((answer, fail) => asked.push({ after: Number(after), cursor, answer, fail, log: server.log }));
  const { current } = follow(socket, list, 0);
  // The positions whose pushes did not come yet.
  let waiting = [];
  const sync = (mode) => socket.emit("sync", { mode, position: String(server.log.length) });
  const settle = () => new Promise((resume) => setTimeout(resume));
  const answer = ({ after, cursor, answer, fail, log }, fails) => {
    if (fails) return fail(new Error("no answer"));
    assert(after <= log.length);
    // An answer of the log that was there when it was asked, with everything up to the position.
    const rows = server.state(log.length, log);
    const from = Number(cursor ?? 0);
    answer({ data: rows.slice(from, from + PAGE), next_cursor: from + PAGE < rows.length ? String(from + PAGE) : null });
  };
  sync("live");
  for (const step of steps) {
    if (step.do === "change") {
      server.change(step.id, step.kind);
      waiting.push(server.log.length);
    } else if (step.do === "deliver" && waiting.length > 0) {
      const at = step.which % waiting.length;
      const position = waiting[at];
      if (!step.again) waiting.splice(at, 1);
      const tables = Math.min(server.log.length, position + step.newer);
      for (const push of server.pushes(position, tables)) socket.emit(...push);
    } else if (step.do === "answer" && asked.length > 0) {
      answer(...asked.splice(step.which % asked.length, 1), step.fails);
      await settle();
    } else if (step.do === "cut") {
      // What was on its way is sent again, in the order of the log.
      waiting.sort((one, other) => one - other);
      sync("resumed");
    } else if (step.do === "reset") {
      // Pushes are lost for good. When an older log was restored, so are changes.
      if (step.forgotten > 0) server.log = server.log.slice(0, Math.max(0, server.log.length - step.forgotten));
      waiting = [];
      sync("reset");
    }
  }
  for (const position of waiting) server.pushes(position, server.log.length).forEach((push) => socket.emit(...push));
  for (let quiet = 0; quiet < 3; quiet = asked.length > 0 ? 0 : quiet + 1) {
    asked.splice(0).forEach((request) => answer(request, false));
    await settle();
  }
  const copy = [...current().rows.values()].map((row) => ({ ...row, unread_count: current().unread(row) }));
  const byId = (one, other) => (one.id < other.id ? -1 : 1);
  assert.deepEqual(copy.sort(byId), server.state().sort(byId));
});

await fc.assert(property, { numRuns: RUNS });
