// Emmett 0.42 (`@event-driven-io/emmett-postgresql`), measured as `measure.rs` measures the other stores.
//
// `appendToStream` with the expected version, `readStream`, and `readMessagesBatch`, with which its consumers read
// all events: in the order of transactions and global positions, up to the oldest transaction in progress. A page
// continues after the last position alone, so events of overlapping transactions may be skipped; the driver prints
// how many were. There are no projections. There is one connection per caller; the callers are distributed over as
// many processes as there are cores, because Node runs a program's own code in one thread.

import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { dumbo } from '@event-driven-io/dumbo';
import { STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore, readMessagesBatch } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';

const NAME = 'emmett';
const LENGTH = 20;
const PAGE = 1000;
const BYTES = 430;

const seconds = (since) => (performance.now() - since) / 1000;

function sampleEvent() {
  const metadata = {
    account_id: '00000000-0000-0000-0000-000000000001',
    actor: 'contact',
    correlation_id: randomUUID(),
    occurred_at: '2026-11-21T09:30:00.123456Z',
  };
  const frame = JSON.stringify(metadata).length + JSON.stringify({ text: '' }).length;
  return { type: 'MessageReceived', data: { text: 'x'.repeat(BYTES - frame) }, metadata };
}

async function open(url, callers) {
  const pool = new pg.Pool({ connectionString: url, max: callers, min: callers, idleTimeoutMillis: 0 });
  const store = getPostgreSQLEventStore(url, { connectionOptions: { connectionString: url, pool } });
  await store.schema.migrate();
  const clients = await Promise.all(Array.from({ length: callers }, () => pool.connect()));
  for (const client of clients) client.release();
  return { store, pool };
}

async function oneCaller(store, time) {
  const began = performance.now();
  const finished = [];
  for (let appended = 0; ; ) {
    const stream = `conversation-${randomUUID()}`;
    for (let version = 0; version < LENGTH; version += 1) {
      if (seconds(began) >= time) return { appended, finished };
      const expectedStreamVersion = version === 0 ? STREAM_DOES_NOT_EXIST : BigInt(version);
      await store.appendToStream(stream, [sampleEvent()], { expectedStreamVersion });
      appended += 1;
    }
    finished.push(stream);
  }
}

// A process of callers: it reports when it is ready, and begins when it gets the time to run.
function serve() {
  let opened;
  process.on('message', async ({ url, callers, time }) => {
    if (callers) {
      opened = { ...(await open(url, callers)), callers };
      process.send('ready');
      return;
    }
    const all = await Promise.all(Array.from({ length: opened.callers }, () => oneCaller(opened.store, time)));
    const appended = all.reduce((sum, one) => sum + one.appended, 0);
    const finished = all.flatMap((one) => one.finished);
    process.send({ appended, finished }, () => process.exit(0));
  });
}

function answer(child) {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`a process of callers ended with ${code}`)));
  });
}

async function append(url, callers, time, streams) {
  const count = Math.min(callers, availableParallelism());
  const children = Array.from({ length: count }, () => fork(fileURLToPath(import.meta.url), ['callers']));
  for (const [index, child] of children.entries()) {
    const share = Math.floor(callers / count) + (index < callers % count ? 1 : 0);
    child.send({ url, callers: share });
    await answer(child);
  }
  const began = performance.now();
  const answers = children.map(answer);
  for (const child of children) child.send({ time });
  const all = await Promise.all(answers);
  const rate = all.reduce((sum, one) => sum + one.appended, 0) / seconds(began);
  for (const one of all) streams.push(...one.finished);
  return rate;
}

async function load(store, streams, time) {
  const began = performance.now();
  let loads = 0;
  for (; seconds(began) < time; loads += 1) {
    const stream = streams[loads % streams.length];
    const { events } = await store.readStream(stream);
    if (events.length !== LENGTH) throw new Error(`${stream} has ${events.length} events`);
  }
  return loads / seconds(began);
}

async function catchUp(execute, streams, time) {
  const began = performance.now();
  let events = 0;
  let missed = 0;
  while (seconds(began) < time) {
    let count = 0;
    let after = 0n;
    for (let left = true; left; ) {
      const page = await readMessagesBatch(execute, { after, batchSize: PAGE });
      after = page.currentGlobalPosition;
      left = page.messages.length > 0;
      count += page.messages.length;
    }
    missed = Math.max(missed, streams.length * LENGTH - count);
    events += count;
  }
  if (missed > 0) console.log(`${NAME} note catching up passed over ${missed} events or more`);
  return events / seconds(began);
}

async function main(url, time) {
  const say = (what, callers, rate) => console.log(`${NAME} ${what} ${callers} ${rate.toFixed(0)}`);
  const { store, pool } = await open(url, 1);
  const streams = [];
  await append(url, 64, time / 10, streams);
  for (const callers of [1, 16, 64]) say('append', callers, await append(url, callers, time, streams));
  if (streams.length === 0) throw new Error('no stream was finished: more seconds are needed');
  say('load', 1, await load(store, streams, time));
  const { execute } = dumbo({ connectionString: url, pool });
  say('catch-up', 1, await catchUp(execute, streams, time));
  process.exit(0);
}

if (process.argv[2] === 'callers') serve();
else await main(process.argv[2], Number(process.argv[3]));
