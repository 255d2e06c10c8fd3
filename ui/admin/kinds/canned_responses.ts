import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";

type Schemas = components["schemas"];

export const cannedResponses = kindOf<Schemas["CannedResponseSpec"], Schemas["DefinedCannedResponse"]>({
  path: "/v1/canned-responses",
  one: "canned_response",
  about: "canned_about",
  fresh: { short_code: "/", title: "", content: "" },
  title: ({ short_code, title }) => `${short_code} · ${title}`,
  facts: ({ category, content }) => [category ?? "", content],
  fields: [
    { name: "short_code", kind: "address", label: "short_code", hint: "short_code_hint" },
    { name: "title", kind: "text", label: "title" },
    { name: "content", kind: "long", label: "content", hint: "placeholders_hint" },
    { name: "category", kind: "text", label: "category", isOptional: true },
  ],
});
