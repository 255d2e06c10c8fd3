// Fails on physical CSS properties: the pages are mirrored for languages that are written from right to left.
import { readFileSync } from "node:fs";

const PHYSICAL = /(?<![-\w])(left|right|top|bottom|(margin|padding|border)-(left|right|top|bottom)|(min-|max-)?(width|height))\s*:/;
const lines = readFileSync(new URL("../app.css", import.meta.url), "utf8").split("\n");
const found = lines.map((line, index) => [index + 1, line]).filter(([, line]) => !line.startsWith("@media") && PHYSICAL.test(line));
for (const [number, line] of found) console.error(`app.css:${number}: ${line.trim()}: a logical property instead`);
process.exit(found.length === 0 ? 0 : 1);
