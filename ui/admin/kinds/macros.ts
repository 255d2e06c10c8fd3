import type { components } from "../../wire/api";
import { kindOf } from "../form/fields";
import { counted, t } from "../words";
import { ACTIONS } from "./actions";

type Schemas = components["schemas"];

const VISIBILITIES = { everyone: "for_everyone", personal: "for_oneself" } as const;

export const macros = kindOf<Schemas["MacroSpec"], Schemas["DefinedMacro"]>({
  path: "/v1/macros",
  one: "macro",
  about: "macros_about",
  fresh: { name: "", visibility: "personal", actions: [] },
  title: ({ name }) => name,
  facts: ({ visibility, actions, description }) => [t(VISIBILITIES[visibility]), counted("actions_n", actions.length), description ?? ""],
  fields: [
    { name: "name", kind: "text", label: "name" },
    { name: "description", kind: "long", label: "description", isOptional: true },
    { name: "visibility", kind: "choice", options: VISIBILITIES, label: "visibility" },
    ACTIONS,
  ],
});
