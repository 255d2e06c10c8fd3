// Writes wire/api.d.ts: the types of the operations that the pages use, from the OpenAPI that a server answers.
//   node build/api.js http://127.0.0.1:8080            writes the file
//   node build/api.js http://127.0.0.1:8080 --check    fails when the file differs
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const USED = {
  "/v1/session": ["get", "post", "delete"],
  "/v1/session/password": ["put"],
  "/v1/sessions": ["get", "delete"],
  "/v1/sessions/{id}": ["delete"],
  "/v1/invitations/preview": ["post"],
  "/v1/invitations/accept": ["post"],
  "/v1/people": ["get", "post"],
  "/v1/people/{user_id}": ["patch", "delete"],
  "/v1/api-keys": ["get", "post"],
  "/v1/api-keys/{id}": ["delete"],
  "/v1/audit": ["get"],
  "/v1/conversations": ["get"],
  "/v1/conversations/counts": ["get"],
  "/v1/bulk": ["post"],
  "/v1/bulk/{id}": ["get"],
  "/v1/bulk/{id}/undo": ["post"],
  "/v1/views": ["get", "post"],
  "/v1/views/{id}": ["patch", "delete"],
  "/v1/views/{id}/conversations": ["get"],
  "/v1/views/{id}/count": ["get"],
  "/v1/conversations/{id}": ["get", "patch"],
  "/v1/conversations/{id}/messages": ["get", "post"],
  "/v1/conversations/{id}/scheduled-messages": ["get"],
  "/v1/conversations/{id}/scheduled-messages/{message_id}": ["delete"],
  "/v1/conversations/{id}/scheduled-messages/{message_id}/send": ["post"],
  "/v1/scheduled-messages": ["get"],
  "/v1/conversations/{id}/draft": ["get", "put", "delete"],
  "/v1/drafts": ["get"],
  "/v1/conversations/{id}/events": ["get"],
  "/v1/conversations/{id}/assign": ["post"],
  "/v1/conversations/{id}/unassign": ["post"],
  "/v1/conversations/{id}/seen": ["post"],
  "/v1/search": ["get"],
  "/v1/contacts/{id}": ["get"],
  "/v1/teams": ["get", "post"],
  "/v1/agents": ["get"],
  "/v1/agent-preferences": ["get"],
  "/v1/queue": ["get"],
  "/v1/macros": ["get", "post"],
  "/v1/conversations/{id}/macros/{macro_id}": ["post"],
  "/v1/canned-responses": ["get", "post"],
  "/v1/canned-responses/{id}": ["get", "patch", "delete"],
  "/v1/channels": ["get", "post"],
  "/v1/channels/{id}": ["get", "patch", "delete"],
  "/v1/teams/{id}": ["get", "patch", "delete"],
  "/v1/macros/{id}": ["get", "patch", "delete"],
  "/v1/automation-rules": ["get", "post"],
  "/v1/automation-rules/{id}": ["get", "patch", "delete"],
  "/v1/bot-rules": ["get", "post"],
  "/v1/bot-rules/{id}": ["get", "patch", "delete"],
  "/v1/handoff-rules": ["get", "post"],
  "/v1/handoff-rules/{id}": ["get", "patch", "delete"],
  "/v1/queues": ["get", "post"],
  "/v1/queues/{id}": ["get", "patch", "delete"],
  "/v1/sla-policies": ["get", "post"],
  "/v1/sla-policies/{id}": ["get", "patch", "delete"],
  "/v1/calendars": ["get", "post"],
  "/v1/calendars/{id}": ["get", "patch", "delete"],
  "/v1/bot-rules/dry-run": ["post"],
  "/v1/automation-rules/dry-run": ["post"],
  "/v1/bot-settings": ["get", "patch", "delete"],
  "/v1/agent-preferences/{user_id}": ["get", "patch"],
  "/v1/agent-preferences/me": ["get", "patch"],
  "/v1/webhook-rejections": ["get"],
  "/v1/webhook-rejections/{id}": ["get"],
};

const [base, mode] = process.argv.slice(2);
const answer = await fetch(`${base}/openapi.json`);
if (!answer.ok) throw new Error(`${base}/openapi.json was answered with ${answer.status}`);
const { openapi, info, paths, components } = await answer.json();

/** Only the answers of success, and the one of every error. */
function reduced(operation) {
  const responses = Object.entries(operation.responses).filter(([status]) => status < "300" || status === "default");
  return { ...operation, responses: Object.fromEntries(responses) };
}
const used = {};
for (const [path, methods] of Object.entries(USED)) {
  used[path] = Object.fromEntries(methods.map((method) => [method, reduced(paths[path][method])]));
}
/** The schemas that a part of the description leads to. */
function collect(part, found) {
  for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (!found.has(name)) {
      found.add(name);
      collect(components.schemas[name], found);
    }
  }
  return found;
}
const names = [...collect(used, new Set())].sort();
const schemas = Object.fromEntries(names.map((name) => [name, components.schemas[name]]));
const document = { openapi, info: { title: info.title, version: info.version }, paths: used, components: { schemas } };
const file = new URL("../wire/api.d.ts", import.meta.url);
const text = `// Written by build/api.js from the server's OpenAPI.\n${astToString(await openapiTS(document, { defaultNonNullable: false }))}`;
if (mode !== "--check") {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  console.error("ui/wire/api.d.ts is not what the server answers: run `npm run api -- <address of a server>` in ui/");
  process.exit(1);
}
