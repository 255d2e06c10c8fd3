// Writes a .gz and a .br beside each built file except the page, which the server changes. The same file gives the same bytes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = new URL(`../${process.env.DIST ?? "dist"}/`, import.meta.url);
for (const name of readdirSync(folder)) {
  if (name === "index.html" || /\.(gz|br)$/.test(name)) continue;
  const plain = readFileSync(new URL(name, folder));
  writeFileSync(new URL(`${name}.gz`, folder), gzipSync(plain, { level: 9 }));
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } };
  writeFileSync(new URL(`${name}.br`, folder), brotliCompressSync(plain, options));
}
