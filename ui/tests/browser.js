// Chromium, and pages that record what must not happen: refused by the policy, or failed in the script.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const DEADLINE_MS = Number(process.env.DEADLINE_MS ?? 60_000);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-background-networking"] });
}

/** A page in a context of its own, as another person's browser. */
export async function open(browser, { colorScheme = "light", locale = "en-GB", viewport = { width: 1400, height: 860 } } = {}) {
  const context = await browser.newContext({ colorScheme, locale, viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(error.stack));
  await page.addInitScript(() => {
    window.violations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, sample }) =>
      window.violations.push({ violatedDirective, blockedURI, sourceFile, sample }),
    );
  });
  return page;
}

/** Throws when the page's script failed or its policy refused something. */
export async function assertClean(page) {
  const violations = await page.evaluate(() => window.violations);
  if (page.problems.length + violations.length > 0) throw new Error(JSON.stringify([...page.problems, ...violations], null, 2));
}

/** Throws when axe-core finds a breach of WCAG 2.2 AA or of its best practices. */
export async function assertAccessible(page, what) {
  // The page's policy refuses a script element; this is no script of the page.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => [node.target.join(" "), node.failureSummary]) }));
  if (found.length > 0) throw new Error(`${what}: ${JSON.stringify(found, null, 2)}`);
}

let lines;

/** Asks the test to let something happen outside the browser. */
export async function ask(what) {
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log(what);
  const { done } = await lines.next();
  assert(!done, "the test has ended");
}

/** Keeps a screenshot, if there is a folder for it. */
export async function keep(page, folder, name) {
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

export async function signIn(page, base, token) {
  await page.goto(`${base}/#token=${token}`);
  await page.locator(".connection", { hasText: /Live|Verbunden/ }).waitFor();
}
