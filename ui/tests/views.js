// Saved views. Arguments: the server's address, the tokens of an agent and of a supervisor, a folder for screenshots or nothing.
// It prints a line when it waits for something outside the browser, and goes on when a line comes in.
import assert from "node:assert/strict";
import { ask, assertAccessible, assertClean, keep as keepIn, launch, open, signIn } from "./browser.js";

const [base, ana, sue, screenshots] = process.argv.slice(2);
const keep = (page, name) => keepIn(page, screenshots, name);
const row = (page, name) => page.locator("a.row", { hasText: name });
const tab = (page, name) => page.getByRole("tab", { name });

/** Adds a condition to the innermost or outermost group, and answers it. */
async function condition(group, field) {
  await group.locator("> select.add").selectOption({ label: field });
  return group.locator("> .filter-condition", { has: group.page().locator(".field", { hasText: field }) }).last();
}

const browser = await launch();
try {
  const agent = await open(browser);
  await signIn(agent, base, ana);
  await ask("customers");
  await row(agent, "Tea, please").waitFor();
  await row(agent, "Coffee, please").waitFor();

  // A view whose filter is wrong says so at the condition, and one for everyone at its field.
  await agent.getByRole("button", { name: "New view" }).click();
  const dialog = agent.getByRole("dialog", { name: "New view" });
  await dialog.getByLabel("Name", { exact: true }).fill("Important");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.locator(".filter-condition .error", { hasText: "needs a value" }).waitFor();
  await assertAccessible(agent, "editor of a view");
  await dialog.getByLabel("Who sees it").selectOption("everyone");
  await dialog.getByLabel("Status: Value").selectOption("open");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.locator("#view-visibility-error", { hasText: "Only a supervisor" }).waitFor();
  await dialog.getByLabel("Who sees it").selectOption("personal");

  // Open, and urgent or labelled, but not of the agent.
  const outer = dialog.locator("form > .filter-group");
  await outer.locator("> select.add").selectOption({ label: "Group of conditions" });
  const inner = outer.locator(".filter-group");
  const label = await condition(inner, "Label");
  await label.getByLabel("Label: Value").fill("vip, press");
  await label.getByLabel("Label: Value").press("Enter");
  await label.locator(".tag", { hasText: "press" }).waitFor();
  const priority = await condition(inner, "Priority");
  await priority.getByLabel("Priority: Value").selectOption({ label: "Urgent" });
  const own = await condition(outer, "Assigned to");
  await own.getByLabel("Assigned to: is, or is not").selectOption({ label: "is not" });
  await own.getByLabel("Assigned to: Value").selectOption({ label: "You" });
  await assertAccessible(agent, "editor with a group");
  await keep(agent, "view-editor");
  await dialog.getByRole("button", { name: "Save" }).click();
  await tab(agent, "Important 0").waitFor();
  assert.equal(await tab(agent, "Important").getAttribute("aria-selected"), "true");
  await agent.getByText("No conversation is here.").waitFor();
  await assertAccessible(agent, "empty view");

  // What comes into the view is there by itself, and counted; what leaves it goes.
  await ask("label tea");
  await row(agent, "Tea, please").waitFor();
  await tab(agent, "Important 1").waitFor();
  assert.equal(await row(agent, "Coffee, please").count(), 0);
  await ask("coffee is urgent");
  await row(agent, "Coffee, please").waitFor();
  await tab(agent, "Important 2").waitFor();
  await keep(agent, "view");
  await row(agent, "Tea, please").click();
  await agent.locator("article.message", { hasText: "Tea, please" }).waitFor();
  await agent.keyboard.press("a");
  await tab(agent, "Important 1").waitFor();
  await row(agent, "Tea, please").waitFor({ state: "detached" });

  // The editor has the view as it was saved, and changes it.
  await agent.getByRole("button", { name: "Edit view" }).click();
  const editor = agent.getByRole("dialog", { name: "Edit view" });
  await editor.locator(".filter-group .filter-group .tag", { hasText: "vip" }).waitFor();
  await editor.getByRole("button", { name: "Remove the condition: Assigned to" }).click();
  await editor.getByRole("button", { name: "Remove the condition: Status" }).click();
  await editor.getByLabel("Order").selectOption({ label: "Priority" });
  await editor.getByRole("button", { name: "Save" }).click();
  await tab(agent, "Important 2").waitFor();
  await row(agent, "Tea, please").waitFor();
  assert.match((await agent.locator("a.row").first().textContent()) ?? "", /Coffee/);

  // By keyboard: the tabs, the next view, the first conversation.
  await tab(agent, "Important").focus();
  await agent.keyboard.press("ArrowLeft");
  await agent.locator("[role=tab][aria-selected=true]:focus", { hasText: "All" }).waitFor();
  await agent.locator("main").first().evaluate(() => document.activeElement.blur());
  await agent.keyboard.press("v");
  await agent.locator("[role=tab][aria-selected=true]", { hasText: "Important" }).waitFor();
  await row(agent, "Coffee, please").waitFor();
  await agent.keyboard.press("j");
  await agent.locator("a.row:focus").waitFor();

  // A supervisor's view for everyone is there by itself; the agent's own is not seen by others.
  const supervisor = await open(browser, { colorScheme: "dark", locale: "de-DE" });
  await signIn(supervisor, base, sue);
  await row(supervisor, "Coffee, please").waitFor();
  assert.equal(await tab(supervisor, "Important").count(), 0);
  await supervisor.keyboard.press("V");
  const shared = supervisor.getByRole("dialog", { name: "Neue Ansicht" });
  await shared.getByLabel("Name", { exact: true }).fill("Kaffee");
  await shared.getByLabel("Wer sie sieht").selectOption("everyone");
  await shared.getByLabel("Status: Wert").selectOption({ label: "Offen" });
  await shared.getByRole("button", { name: "Speichern" }).click();
  await tab(supervisor, "Kaffee 1").waitFor();
  await assertAccessible(supervisor, "view, dark");
  await tab(agent, "Kaffee 1").click();
  await row(agent, "Coffee, please").waitFor();
  await row(agent, "Tea, please").waitFor({ state: "detached" });

  // Removed, it is gone for everyone.
  supervisor.on("dialog", (question) => question.accept());
  await supervisor.getByRole("button", { name: "Ansicht bearbeiten" }).click();
  await supervisor.getByRole("button", { name: "Ansicht entfernen" }).click();
  await tab(agent, "Kaffee").waitFor({ state: "detached" });
  await row(agent, "Tea, please").waitFor();
  await tab(supervisor, "Kaffee").waitFor({ state: "detached" });

  for (const page of [agent, supervisor]) await assertClean(page);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
