// The examples of the conversation service's contract (requirement 001), sent by a client that knows nothing else.
// Started by tests/flows/conversation_service.rs, or by hand:
// BASE=http://127.0.0.1:8080 TENANT=<account> OUTLET=<WhatsApp channel> AGENT=<registered agent> [TOKEN=<service's>]
//   node tests/contracts/conversation_service.mjs

import assert from "node:assert/strict";
import { test } from "node:test";

const { BASE, TENANT, OUTLET, AGENT, TOKEN } = process.env;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function send(method, path, body) {
  const headers = { "X-Tenant-Id": TENANT };
  if (TOKEN) headers.Authorization = `Bearer ${TOKEN}`;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

async function ok(method, path, body, status = 200) {
  const answer = await send(method, path, body);
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

let numbers = 0;
// A customer whom no other test knows.
const customer = (name = "John Doe") => ({
  outlet_id: OUTLET,
  customer_phone: `+6281234${String(Date.now() % 100000).padStart(5, "0")}${numbers++}`,
  customer_name: name,
});
const create = (body = customer()) => ok("POST", "/api/v1/conversations", body, 201);
const message = (conversation, sender_type, content, more = {}) =>
  ok("POST", "/api/v1/messages", { conversation_id: conversation.id, sender_type, content, ...more }, 201);
const get = (conversation, query = "") => ok("GET", `/api/v1/conversations/${conversation.id}${query}`);

test("GET /health", async () => {
  const health = await (await fetch(`${BASE}/health`)).json();
  assert.deepEqual(health, {
    status: "healthy",
    service: "conversation-service",
    version: "1.0.0",
    database: "connected",
    websocket: "active",
  });
});

test("POST /api/v1/conversations", async () => {
  const body = customer();
  const conversation = await create(body);
  const { id, started_at, last_message_at, ...rest } = conversation;
  assert.match(id, UUID);
  assert.ok(Date.parse(started_at) <= Date.now() + 1000);
  assert.equal(last_message_at, started_at);
  assert.deepEqual(rest, {
    tenant_id: TENANT,
    ...body,
    status: "active",
    handoff_requested: false,
    handoff_agent_id: null,
    handoff_reason: null,
    ended_at: null,
  });
  assert.deepEqual(await get(conversation), conversation);
});

test("GET /api/v1/conversations/:id?include_messages=true", async () => {
  const conversation = await create();
  const said = [];
  for (const content of ["Hello", "I need help resetting my password"]) {
    said.push((await message(conversation, "customer", content)).message);
  }
  const { messages, ...shown } = await get(conversation, "?include_messages=true");
  assert.deepEqual(messages, said);
  assert.deepEqual(shown, await get(conversation));
  assert.equal(shown.last_message_at >= said[1].timestamp, true);
});

test("GET /api/v1/conversations/active?outlet_id=", async () => {
  const [active, resolved, handedOff] = [await create(), await create(), await create()];
  await ok("PUT", `/api/v1/conversations/${resolved.id}/status`, { status: "resolved" });
  await ok("POST", `/api/v1/conversations/${handedOff.id}/handoff`, {});
  for (const query of ["", `?outlet_id=${OUTLET}`]) {
    const listed = await ok("GET", `/api/v1/conversations/active${query}`);
    assert.ok(listed.every((conversation) => conversation.status === "active"));
    const ids = listed.map((conversation) => conversation.id);
    assert.ok(ids.includes(active.id));
    assert.ok(!ids.includes(resolved.id) && !ids.includes(handedOff.id));
    assert.deepEqual(listed.find((conversation) => conversation.id === active.id), active);
  }
  assert.deepEqual(await ok("GET", `/api/v1/conversations/active?outlet_id=${TENANT}`), []);
});

test("POST /api/v1/conversations/find-or-create", async () => {
  const body = customer();
  const path = "/api/v1/conversations/find-or-create";
  const all = await Promise.all(Array.from({ length: 20 }, () => ok("POST", path, body)));
  assert.equal(new Set(all.map((conversation) => conversation.id)).size, 1);
  assert.deepEqual(await get(all[0]), all[0]);
  // An active one cannot be created a second time, and one that has ended is not found.
  const again = await send("POST", "/api/v1/conversations", body);
  assert.equal(again.status, 409);
  assert.equal(again.body.conversation_id, all[0].id);
  await ok("PUT", `/api/v1/conversations/${all[0].id}/status`, { status: "resolved" });
  const next = await Promise.all(Array.from({ length: 20 }, () => ok("POST", path, body)));
  assert.equal(new Set(next.map((conversation) => conversation.id)).size, 1);
  assert.notEqual(next[0].id, all[0].id);
  assert.equal(next[0].status, "active");
  assert.equal((await get(all[0])).status, "resolved");
});

test("POST /api/v1/conversations/:id/handoff", async () => {
  const conversation = await create();
  const reason = "Customer requested human agent";
  const handedOff = await ok("POST", `/api/v1/conversations/${conversation.id}/handoff`, { reason });
  assert.deepEqual(handedOff, {
    ...conversation,
    status: "handed_off",
    handoff_requested: true,
    handoff_reason: reason,
  });
  assert.deepEqual(await get(conversation), handedOff);
  const named = await create();
  const to = await ok("POST", `/api/v1/conversations/${named.id}/handoff`, { reason, agent_id: AGENT });
  assert.equal(to.status, "handed_off");
  assert.equal(to.handoff_agent_id, AGENT);
});

test("PUT /api/v1/conversations/:id/assign", async () => {
  const conversation = await create();
  const assigned = await ok("PUT", `/api/v1/conversations/${conversation.id}/assign`, { agent_id: AGENT });
  assert.equal(assigned.status, "handed_off");
  assert.equal(assigned.handoff_agent_id, AGENT);
  assert.deepEqual(await get(conversation), assigned);
  const unknown = await send("PUT", `/api/v1/conversations/${conversation.id}/assign`, { agent_id: OUTLET });
  assert.equal(unknown.status, 422);
  assert.equal(unknown.body.field, "agent_id");
});

test("PUT /api/v1/conversations/:id/status", async () => {
  const conversation = await create();
  const set = (status) => ok("PUT", `/api/v1/conversations/${conversation.id}/status`, { status });
  for (const status of ["handed_off", "active", "resolved", "active", "expired", "expired"]) {
    const changed = await set(status);
    assert.equal(changed.status, status);
    assert.equal(changed.ended_at !== null, ["resolved", "expired"].includes(status), status);
    assert.equal(changed.handoff_requested, status === "handed_off");
    assert.deepEqual(await get(conversation), changed);
  }
  const over = await send("PUT", `/api/v1/conversations/${conversation.id}/status`, { status: "active" });
  assert.equal(over.status, 409);
  const other = await send("PUT", `/api/v1/conversations/${conversation.id}/status`, { status: "closed" });
  assert.equal(other.status, 400);
});

test("POST /api/v1/messages", async () => {
  const conversation = await create();
  const content = "I need help resetting my password";
  const whatsapp_message_id = `wamid.${conversation.id}`;
  const stored = await message(conversation, "customer", content, { whatsapp_message_id });
  const { id, timestamp, ...rest } = stored.message;
  assert.match(id, UUID);
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 3600_000);
  assert.deepEqual(rest, {
    conversation_id: conversation.id,
    sender_type: "customer",
    sender_id: null,
    content,
    whatsapp_message_id,
    metadata: null,
  });
  assert.deepEqual(Object.keys(stored), ["message", "handoff_requested"]);
  assert.equal(stored.handoff_requested, false);
  // The same message again is the same message.
  assert.deepEqual(await message(conversation, "customer", content, { whatsapp_message_id }), stored);
  assert.equal((await ok("GET", `/api/v1/conversations/${conversation.id}/messages`)).length, 1);
  const metadata = { llm_model: "gpt-4o-mini", tokens_used: 150, low_confidence: false };
  const answer = await message(conversation, "llm", "Which account?", {
    whatsapp_message_id: `${whatsapp_message_id}.2`,
    metadata,
  });
  assert.deepEqual(answer.message.metadata, metadata);
  assert.equal(answer.message.sender_type, "llm");
  assert.equal(answer.message.whatsapp_message_id, `${whatsapp_message_id}.2`);
  const helped = await message(conversation, "agent", "I do it", { sender_id: AGENT });
  assert.equal(helped.message.sender_type, "agent");
  assert.equal(helped.message.sender_id, AGENT);
});

test("a keyword hands the conversation off", async () => {
  for (const [content, keyword] of [
    ["I want to speak to a human", "speak to a human"],
    ["speak to human", "speak to human"],
    ["Please talk to agent", "talk to agent"],
    ["Your REPRESENTATIVE, please", "representative"],
    ["I will escalate this", "escalate"],
    ["Give me your supervisor", "supervisor"],
    ["The manager!", "manager"],
    ["This is a complaint", "complaint"],
    ["Are you human?", "human"],
    ["Is this a person?", "person"],
  ]) {
    const conversation = await create();
    const stored = await message(conversation, "customer", content);
    assert.equal(stored.handoff_requested, true, content);
    assert.equal(stored.handoff_reason, `Customer requested human agent (keyword: '${keyword}')`);
    const shown = await get(conversation);
    assert.equal(shown.status, "handed_off");
    assert.equal(shown.handoff_requested, true);
    assert.equal(shown.handoff_reason, stored.handoff_reason);
  }
});

test("three answers of low confidence hand the conversation off", async () => {
  const conversation = await create();
  await message(conversation, "customer", "What is the meaning of life?");
  const metadata = { llm_model: "gpt-4o-mini", low_confidence: true };
  for (const number of [1, 2, 3]) {
    const stored = await message(conversation, "llm", `Perhaps ${number}`, {
      metadata,
      whatsapp_message_id: `wamid.${conversation.id}.${number}`,
    });
    assert.equal(stored.handoff_requested, number === 3, `answer ${number}`);
    assert.equal(stored.handoff_reason, number === 3 ? "Multiple low-confidence responses" : undefined);
  }
  const shown = await get(conversation);
  assert.equal(shown.status, "handed_off");
  assert.equal(shown.handoff_reason, "Multiple low-confidence responses");
});

test("GET /api/v1/conversations/:id/messages and /recent", async () => {
  const conversation = await create();
  const said = [];
  for (let number = 0; number < 6; number++) {
    said.push((await message(conversation, "customer", `Number ${number}`)).message);
  }
  const path = `/api/v1/conversations/${conversation.id}/messages`;
  assert.deepEqual(await ok("GET", path), said);
  assert.deepEqual(await ok("GET", `${path}?limit=5`), said.slice(1));
  assert.deepEqual(await ok("GET", `${path}/recent`), said.slice(2));
  assert.deepEqual(await ok("GET", `${path}/recent?count=3`), said.slice(3));
  for (const wrong of ["?limit=0", "?limit=1001", "/recent?count=x"]) {
    assert.equal((await send("GET", path + wrong)).status, 400);
  }
});
