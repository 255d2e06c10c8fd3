// What is written in one browser is there in another one, and of two different texts none is lost. Arguments: the
// server's address, an agent's token, a folder for screenshots or nothing.
import assert from "node:assert/strict";
import { assertAccessible, assertClean, keep, launch, open, signIn } from "./browser.js";

const [base, ana, screenshots] = process.argv.slice(2);
const message = (page, text) => page.locator("article.message", { hasText: text });
const row = (page) => page.locator("a.row");
const field = (page) => page.locator(".composer textarea");
const holds = (page, words) => page.waitForFunction((wanted) => document.querySelector(".composer textarea")?.value === wanted, words);
const isSaved = (page, method = "PUT") => page.waitForResponse((answer) => answer.request().method() === method && answer.url().endsWith("/draft") && answer.ok());

async function write(page, words) {
  const saved = isSaved(page);
  await field(page).fill(words);
  await saved;
}

const browser = await launch();
try {
  const first = await open(browser);
  await signIn(first, base, ana);
  await row(first).click();
  await message(first, "Where is my parcel?").waitFor();
  await write(first, "Dear customer,");

  // Another browser of the same agent.
  const second = await open(browser, { colorScheme: "dark" });
  await signIn(second, base, ana);
  await row(second).getByText("Draft:").waitFor();
  await row(second).getByText("Dear customer,").waitFor();
  await assertAccessible(second, "list with a draft, dark");
  await keep(second, screenshots, "draft-list-dark");
  await row(second).click();
  await holds(second, "Dear customer,");
  await write(second, "Dear customer, we have found it.");

  // The first one does not know of it, and goes on with its own text.
  await write(first, "Dear customer, we are looking for it.");
  await first.getByText(/^You wrote something else in another window: .*we have found it/).waitFor();
  assert.equal(await field(first).inputValue(), "Dear customer, we are looking for it.");
  await assertAccessible(first, "another draft");
  await keep(first, screenshots, "another-draft");
  await first.getByRole("button", { name: "Use it" }).click();
  await holds(first, "Dear customer, we have found it.");
  await first.getByText(/^You wrote something else in another window: .*we are looking for it/).waitFor();

  // What is sent is no draft any more, in either browser.
  const removed = isSaved(first, "DELETE");
  await field(first).press("Control+Enter");
  await message(first, "we have found it.").waitFor();
  await removed;
  await second.reload();
  await message(second, "we have found it.").waitFor();
  await holds(second, "");
  await second.goto(`${base}/#/`);
  await second.locator(".empty").waitFor();
  assert.equal(await row(second).getByText("Draft:").count(), 0);
  for (const each of [first, second]) await assertClean(each);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
