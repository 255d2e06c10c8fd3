// Changes of five hundred conversations. Arguments: the server's address, the token of an agent, a folder for screenshots or
// nothing. One of the conversations is another agent's.
import assert from "node:assert/strict";
import { assertAccessible, assertClean, keep as keepIn, launch, open, signIn } from "./browser.js";

const [base, ana, screenshots] = process.argv.slice(2);
const keep = (page, name) => keepIn(page, screenshots, name);

const browser = await launch();
try {
  const page = await open(browser);
  await signIn(page, base, ana);
  await page.getByRole("tab", { name: "All 500" }).waitFor();
  const bar = page.getByRole("region", { name: "Change the selected conversations" });
  const progress = page.getByRole("region", { name: "Change of several conversations" });

  // By keyboard: one, a range, none, all.
  await page.keyboard.press("j");
  await page.locator("a.row:focus").waitFor();
  await page.keyboard.press("x");
  await bar.getByText("1 selected").waitFor();
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("j");
  await page.keyboard.press("X");
  await bar.getByText("4 selected").waitFor();
  await page.keyboard.press("Escape");
  await bar.waitFor({ state: "detached" });
  // With a mouse: a checkbox, and a range with shift.
  const box = (index) => page.locator(".pick").nth(index).getByRole("checkbox");
  await page.locator(".pick").nth(1).hover();
  await box(1).click();
  await box(3).click({ modifiers: ["Shift"] });
  await bar.getByText("3 selected").waitFor();
  await assertAccessible(page, "selection");
  await page.keyboard.press("*");
  await bar.getByText("500 selected").waitFor();
  await keep(page, "bulk-selection");

  // All become urgent, with progress, and are taken back with one undo.
  await bar.getByLabel("Priority").selectOption({ label: "Urgent" });
  await progress.getByText("500 conversations changed.").waitFor();
  await bar.waitFor({ state: "detached" });
  await page.locator(".row .tag", { hasText: "Urgent" }).first().waitFor();
  await assertAccessible(page, "bulk change");
  await keep(page, "bulk-done");
  await progress.getByRole("button", { name: "Undo all" }).click();
  await progress.getByText("500 conversations are as before.").waitFor();
  await page.waitForFunction(() => !document.querySelector(".row .priority-urgent"));
  assert.equal(await progress.getByRole("button", { name: "Undo all" }).count(), 0);
  await progress.getByRole("button", { name: "Dismiss" }).click();

  // What is refused is listed with its reason.
  await page.keyboard.press("*");
  await bar.getByText("500 selected").waitFor();
  await bar.getByLabel("Assign to").selectOption({ label: "You" });
  await progress.getByText("499 conversations changed.").waitFor();
  await progress.getByText("1 was not changed").click();
  await progress.getByText("the conversation is assigned to another agent").waitFor();
  await page.getByRole("tab", { name: "Mine 499" }).waitFor();
  await assertAccessible(page, "refusals");
  await keep(page, "bulk-refused");
  await assertClean(page);
  console.log("done");
} finally {
  await browser.close();
}
