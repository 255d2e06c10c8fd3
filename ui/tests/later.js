// Replies that are taken back, or sent later, while a colleague looks on. Arguments: the server's address, the tokens of
// two agents, a folder for screenshots or nothing.
import assert from "node:assert/strict";
import { ask, assertAccessible, assertClean, keep, launch, open, signIn } from "./browser.js";

const [base, ana, ben, screenshots] = process.argv.slice(2);
const message = (page, text) => page.locator("article.message", { hasText: text });
const row = (page, name) => page.locator("a.row", { hasText: name });
const later = (page, text) => page.locator(".scheduled li", { hasText: text });
const field = (page) => page.locator(".composer textarea");
const holds = (page, words) => page.waitForFunction((wanted) => document.querySelector(".composer textarea")?.value === wanted, words);

const browser = await launch();
try {
  const page = await open(browser);
  await signIn(page, base, ana);
  const other = await open(browser, { colorScheme: "dark" });
  await signIn(other, base, ben);
  for (const reader of [page, other]) {
    await row(reader, "Where is my parcel?").click();
    await message(reader, "Where is my parcel?").waitFor();
  }

  // A reply waits for a minute. Its sender takes it back, and has the words in the field again.
  await field(page).fill("It is lost.");
  await page.keyboard.press("Control+Enter");
  await later(page, "It is lost.").getByText(/^Is sent in .*You/).waitFor();
  await holds(page, "");
  await later(other, "It is lost.").getByText(/Ana/).waitFor();
  assert.equal(await message(page, "It is lost.").count(), 0);
  await assertAccessible(page, "undo");
  await keep(page, screenshots, "undo");
  await field(page).fill("I am sorry.");
  await later(page, "It is lost.").getByRole("button", { name: "Undo" }).click();
  await holds(page, "It is lost.\nI am sorry.");
  for (const reader of [page, other]) await later(reader, "It is lost.").waitFor({ state: "detached" });

  // A reply is sent after a second.
  await ask("a second");
  await field(page).fill("It is on its way.");
  await page.keyboard.press("Control+Enter");
  await message(page, "It is on its way.").locator(".delivery.dispatched").waitFor();
  await later(page, "It is on its way.").waitFor({ state: "detached" });

  // A reply is scheduled, and a colleague decides that it is not sent.
  await field(page).fill("Has it arrived?");
  await page.getByRole("button", { name: "Send later" }).click();
  const dialog = page.getByRole("dialog", { name: "Send later" });
  await dialog.waitFor();
  await assertAccessible(page, "send later");
  await keep(page, screenshots, "send-later");
  await dialog.getByRole("button", { name: /^In an hour/ }).click();
  await later(page, "Has it arrived?").getByText(/^Will be sent on/).waitFor();
  await holds(page, "");
  await later(other, "Has it arrived?").getByText(/Ana/).waitFor();
  await assertAccessible(other, "scheduled, dark");
  await keep(other, screenshots, "scheduled-dark");
  await other.reload();
  await later(other, "Has it arrived?").getByRole("button", { name: "Do not send" }).click();
  await later(page, "Has it arrived?").waitFor({ state: "detached" });

  // A time of one's own, and sent before it.
  await field(page).fill("Thank you.");
  await page.getByRole("button", { name: "Send later" }).click();
  await dialog.getByRole("button", { name: "Schedule" }).click();
  await later(page, "Thank you.").getByRole("button", { name: "Send now" }).click();
  await message(page, "Thank you.").waitFor();
  await later(page, "Thank you.").waitFor({ state: "detached" });

  // A message that was not sent is told wherever its sender is, also after a reload.
  await ask("not sent");
  const banner = page.locator(".banner.held", { hasText: "Tomorrow you have it." });
  await banner.waitFor();
  await page.reload();
  await banner.waitFor();
  await assertAccessible(page, "not sent");
  await keep(page, screenshots, "not-sent");
  await banner.getByRole("link").click();
  await later(page, "Tomorrow you have it.").getByText("the conversation was closed before").waitFor();
  await assertAccessible(page, "held");
  await keep(page, screenshots, "held");
  await later(page, "Tomorrow you have it.").getByRole("button", { name: "Do not send" }).click();
  await later(page, "Tomorrow you have it.").waitFor({ state: "detached" });
  await row(page, "Thank you.").click();
  await message(page, "Thank you.").waitFor();
  assert.equal(await page.locator(".banner.held").count(), 0);
  for (const each of [page, other]) await assertClean(each);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
