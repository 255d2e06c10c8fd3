// Runs the example of docs/realtime.md against a server: `copy.js <compiled example> <base> <token>`. Each line of its input
// asks for one line of output: `copy` for the copy, or the rows of a fresh fetch, as JSON, for a comparison with what the
// pushes that came give in any order and repetition.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import fc from "fast-check";

const [example, base, token] = process.argv.slice(2);
const { Inbox, connect } = await import(pathToFileURL(example));
const { socket, current } = connect(base, async () => token);

const pushes = [];
let connects = 0;
let begun;
socket.on("connect", () => (connects += 1));
socket.onAny((name, object) => {
  if (["conversation:new", "conversation:updated"].includes(name)) pushes.push((inbox) => inbox.apply(object));
  if (name === "conversation:seen") pushes.push((inbox) => inbox.applySeen(object));
});

const listed = (inbox) =>
  [...inbox.rows.values()]
    // The offset of the push before is no part of the row.
    .map(({ prev, ...row }) => ({ ...row, unread_count: inbox.unread(row) }))
    .sort((one, other) => (one.id < other.id ? -1 : 1));

function inAnyOrder(fetched) {
  const order = fc.shuffledSubarray(pushes, { minLength: pushes.length });
  const property = fc.property(order, fc.array(fc.constantFrom(...pushes)), (order, again) => {
    const inbox = new Inbox();
    inbox.rows = new Map(begun.rows);
    inbox.seen = new Map(begun.seen);
    for (const push of [...again, ...order, ...again]) push(inbox);
    assert.deepEqual(listed(inbox), fetched);
  });
  fc.assert(property, { numRuns: 200 });
  return pushes.length;
}

const answers = {
  copy: () => ({ connects, recovered: socket.recovered, rows: current() ? listed(current()) : [] }),
  begin: () => {
    begun = { rows: new Map(current().rows), seen: new Map(current().seen) };
    return {};
  },
};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const answer = answers[line] ? answers[line]() : { pushes: inAnyOrder(JSON.parse(line)) };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  })
  .on("close", () => process.exit(0));
