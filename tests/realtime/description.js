// The description of the pushes (AsyncAPI): checks that it is valid, and checks events against it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Ajv from "ajv";
import addFormats from "ajv-formats";

const SPECIFICATION = "@asyncapi/specs/schemas/3.0.0-without-$id.json";

/** What is wrong with the description: empty when nothing is. */
export function errorsOf(description) {
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true, validateFormats: true }));
  const isValid = ajv.compile(createRequire(import.meta.url)(SPECIFICATION));
  const errors = isValid(description) ? [] : isValid.errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
  for (const reference of referencesIn(description)) {
    if (found(description, reference) === undefined) errors.push(`${reference} leads nowhere`);
  }
  return errors;
}

function referencesIn(value) {
  if (value === null || typeof value !== "object") return [];
  const below = Object.values(value).flatMap(referencesIn);
  return typeof value.$ref === "string" ? [value.$ref, ...below] : below;
}

function found(description, reference) {
  return reference
    .slice("#/".length)
    .split("/")
    .reduce((value, key) => value?.[key], description);
}

/** The events of a namespace, as the description has them. */
export class Events {
  #ajv;
  #sent = new Map();
  #answers = new Map();
  #requests = new Map();

  constructor(file, address) {
    const description = JSON.parse(readFileSync(file, "utf8"));
    this.#ajv = addFormats(new Ajv({ strict: false, allErrors: true, formats: FORMATS }));
    this.#ajv.addSchema(description, "description");
    const message = ({ $ref }) => {
      const { $ref: id } = found(description, $ref);
      return { ...found(description, id), id };
    };
    for (const { action, channel, messages, reply } of Object.values(description.operations)) {
      if (found(description, channel.$ref).address !== address) continue;
      for (const { name, id, ...of } of messages.map(message)) {
        const isValid = this.#schema([id]);
        if (action === "send") this.#sent.set(name, { isValid, offset: of["x-offset"], fields: of.payload.properties });
        else this.#requests.set(name, isValid);
        if (reply) this.#answers.set(name, this.#schema(reply.messages.map((answer) => message(answer).id)));
      }
    }
  }

  #schema(messages) {
    return this.#ajv.compile({ anyOf: messages.map((id) => ({ $ref: `description${id}/payload` })) });
  }

  get names() {
    return [...this.#sent.keys()].sort();
  }

  /** Why an event that the server sent is not as described, or `undefined`. */
  wrongEvent(name, [object, ...more]) {
    const described = this.#sent.get(name);
    if (!described) return `${name} is not described`;
    const replayed = more.length === 1 && more[0]?.replayed === true;
    // A push that is replayed into a room has no place on this connection.
    if (!described.isValid(replayed ? { ...object, prev: "" } : object)) return `${name}: ${this.#ajv.errorsText(described.isValid.errors)}`;
    const unknown = Object.keys(object).find((field) => !(field in described.fields));
    if (unknown) return `${name}: ${unknown} is not described`;
    const isPlaced = more.length === 1 && typeof more[0] === "string";
    const hasNone = more.length === 0;
    const isRight = { always: isPlaced || replayed, never: hasNone }[described.offset] ?? (isPlaced || hasNone);
    if (!isRight) return `${name}: ${more.length} more arguments`;
    return undefined;
  }

  /** Why an answer is not as described, or `undefined`. */
  wrongAnswer(name, argument, answer) {
    const isValid = this.#answers.get(name);
    // The server refuses what is not described.
    if (!isValid) return answer?.error ? undefined : `${name} is not described`;
    if (!answer?.error && !this.#requests.get(name)(argument)) return `${name} was answered, and its argument is not as described`;
    return isValid(answer) ? undefined : `${name}: ${this.#ajv.errorsText(isValid.errors)}`;
  }
}

// Formats of numbers, which `schemars` adds.
const FORMATS = Object.fromEntries(["uint", "uint8", "uint16", "uint32", "uint64", "int32", "int64", "double"].map((name) => [name, true]));
