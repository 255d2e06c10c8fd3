// Whether the description of the pushes in this file is valid AsyncAPI. Prints what is wrong.
import { readFileSync } from "node:fs";
import { errorsOf } from "./description.js";

const errors = errorsOf(JSON.parse(readFileSync(process.argv[2], "utf8")));
errors.slice(0, 20).forEach((error) => console.error(error));
process.exit(errors.length === 0 ? 0 : 1);
