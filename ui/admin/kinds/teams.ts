import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { counted } from "../words";

type Schemas = components["schemas"];

export const teams = kindOf<Schemas["TeamSpec"], Schemas["DefinedTeam"]>({
  path: "/v1/teams",
  one: "team",
  about: "teams_about",
  fresh: { name: "", member_ids: [] },
  title: ({ name }) => name,
  facts: ({ description, member_ids }) => [description ?? "", counted("members", member_ids?.length ?? 0)],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "description", kind: "long", label: "description", isOptional: true },
    { name: "lead_id", kind: "reference", to: "agents", label: "team_lead", isOptional: true },
    { name: "member_ids", kind: "references", to: "agents", label: "team_members" },
  ],
});
