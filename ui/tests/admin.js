// The administration pages. Arguments: the server's address, the tokens of two administrators and of an agent, a folder for
// screenshots or nothing. It prints a line when it waits for something outside the browser, and goes on when a line comes in.
import assert from "node:assert/strict";
import { ask, assertAccessible, assertClean, keep, launch, open, signIn } from "./browser.js";

const [base, adaToken, beaToken, agentToken, screenshots] = process.argv.slice(2);

const PAGES = [
  "channels",
  "rejected-webhooks",
  "teams",
  "queues",
  "agents",
  "sla-policies",
  "calendars",
  "canned-responses",
  "macros",
  "automation-rules",
  "bot-rules",
  "handoff-rules",
  "bot-settings",
  "api-keys",
  "audit",
  "notifications",
];

async function go(page, path) {
  await page.evaluate((path) => (location.hash = `#/admin/${path}`), path);
  await page.locator("main h1").waitFor();
}
const save = (page) => page.getByRole("button", { name: "Save" }).click();
const isSaved = (page) => page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
const group = (page, name) => page.getByRole("group", { name, exact: true });

/** Opens the form of a new item. */
async function begin(page, path, title) {
  await go(page, path);
  await page.getByRole("link", { name: "New", exact: true }).click();
  await page.getByRole("heading", { name: `${title} · New` }).waitFor();
}

/** The words at a field, which has the focus. */
async function assertRefused(page, field, words) {
  await field.and(page.locator('[aria-invalid="true"]')).waitFor();
  const described = await field.getAttribute("aria-describedby");
  const refusals = await Promise.all(described.split(" ").map((id) => page.locator(`[id="${id}"]`).textContent()));
  assert(refusals.some((refusal) => words.test(refusal)), `${refusals}`);
  await page.waitForFunction((id) => document.activeElement?.id === id, await field.getAttribute("id"));
}

const browser = await launch();
try {
  const ada = await open(browser);
  await signIn(ada, base, adaToken);

  // The inbox does not fetch administration; a click does.
  const fetched = () => ada.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/admin.js")));
  assert.equal(await fetched(), false);
  await ada.getByRole("link", { name: "Administration" }).click();
  await ada.getByRole("heading", { name: "Administration" }).waitFor();
  assert.equal(await fetched(), true);

  // A team. What is wrong is said at its field.
  await begin(ada, "teams", "Teams");
  await save(ada);
  await assertRefused(ada, ada.getByLabel("Name"), /must not be empty/i);
  await keep(ada, screenshots, "team-refused");
  await ada.getByLabel("Name").fill("Billing");
  await ada.getByLabel("Description").fill("Invoices");
  await group(ada, "Members").getByLabel("Ana").check();
  await save(ada);
  await ada.waitForURL(/#\/admin\/teams\/[0-9a-f-]{36}$/);
  const team = ada.url();
  await go(ada, "teams");
  await ada.getByRole("link", { name: /Billing.*1 member/s }).waitFor();

  // Another administrator changes it while it is being changed here.
  const bea = await open(browser, { colorScheme: "dark" });
  await signIn(bea, base, beaToken);
  for (const page of [ada, bea]) {
    await page.goto(team);
    await page.getByLabel("Name").waitFor();
  }
  await ada.getByLabel("Name").fill("Billing and refunds");
  await bea.getByLabel("Description").fill("Invoices and reminders");
  await bea.getByLabel("Name").fill("Invoices");
  await save(bea);
  await isSaved(bea);
  const conflict = ada.getByRole("alert").filter({ hasText: "Another person has changed this meanwhile" });
  await conflict.getByText("Billing → Invoices").waitFor();
  await conflict.getByText("Yours: Billing and refunds").waitFor();
  await conflict.getByText("Invoices → Invoices and reminders").waitFor();
  await assertAccessible(ada, "conflict");
  await keep(ada, screenshots, "conflict");
  await conflict.getByRole("button", { name: "Keep my changes" }).click();
  assert.equal(await ada.getByLabel("Description").inputValue(), "Invoices and reminders");
  await save(ada);
  await isSaved(ada);
  // Who changed nothing sees the new values.
  await bea.getByRole("status").filter({ hasText: "Another person has changed this." }).waitFor();
  assert.equal(await bea.getByLabel("Name").inputValue(), "Billing and refunds");

  // A page that could not fetch the change learns it from the refusal of its own.
  let isSent = false;
  await bea.route("**/v1/teams/*", async (route) => {
    isSent ||= route.request().method() === "PATCH";
    await (isSent ? route.continue() : route.abort());
  });
  await bea.getByLabel("Description").fill("Everything about money");
  await ask(`change the team ${team.split("/").at(-1)}`);
  await save(bea);
  const refused = bea.getByRole("alert").filter({ hasText: "Another person has changed this meanwhile" });
  await refused.getByText("Yours: Everything about money").waitFor();
  await bea.unroute("**/v1/teams/*");
  await refused.getByRole("button", { name: "Take their values" }).click();
  assert.equal(await bea.getByLabel("Description").inputValue(), "By another program");

  // What is written and not saved is still there after another page was shown.
  await ada.getByLabel("Description").fill("Not saved yet");
  await go(ada, "queues");
  await ada.goBack();
  await ada.getByText("These are changes of yours that are not saved yet.").waitFor();
  assert.equal(await ada.getByLabel("Description").inputValue(), "Not saved yet");
  await ada.getByRole("button", { name: "Discard changes" }).click();

  // A channel, with the address of its webhook. No page shows its secret again.
  await begin(ada, "channels", "Channels");
  await ada.getByLabel("Kind of channel").selectOption("sms");
  await ada.getByLabel("Name").fill("Shop");
  await save(ada);
  await assertRefused(ada, ada.getByLabel("Kind of channel"), /not supported yet/);
  await ada.getByLabel("Kind of channel").selectOption("whatsapp");
  await save(ada);
  await assertRefused(ada, ada.getByLabel("Phone number ID"), /required/);
  await ada.getByLabel("Kind of channel").selectOption("api");
  await ada.getByLabel("Secret").fill("the-app-secret-of-the-test-channel");
  await save(ada);
  await ada.waitForURL(/#\/admin\/channels\/[0-9a-f-]{36}$/);
  const id = ada.url().split("/").at(-1);
  await ada.getByText(`${base}/v1/webhooks/api/${id}`).waitFor();
  await ada.getByText("No message yet.").waitFor();
  assert.equal(await ada.getByLabel("Secret").inputValue(), "");
  assert.equal(await ada.getByLabel("Kind of channel").isDisabled(), true);
  await ask(`a webhook that cannot be read ${id}`);
  await go(ada, "rejected-webhooks");
  await ada.locator(".items a", { hasText: "Shop" }).click();
  await ada.getByText('{"neither":"message"}').waitFor();

  // A canned response; the list is searched.
  await begin(ada, "canned-responses", "Canned responses");
  await ada.getByLabel("Title").fill("Hello");
  await ada.getByLabel("Text").fill("Hello {{contact_name}}");
  await save(ada);
  await assertRefused(ada, ada.getByLabel("Short code"), /./);
  await ada.getByLabel("Short code").fill("/hello");
  await save(ada);
  await ada.waitForURL(/#\/admin\/canned-responses\/[0-9a-f-]{36}$/);
  await go(ada, "canned-responses");
  await ada.getByRole("link", { name: "/hello · Hello" }).waitFor();
  await ada.getByRole("searchbox").fill("goodbye");
  await ada.getByText("Nothing was found.").waitFor();

  // An automation rule. An error inside an action is at its field.
  await begin(ada, "automation-rules", "Automation");
  await ada.getByLabel("Name").fill("Refunds are urgent");
  await ada.getByLabel("Words and phrases").fill("refund\nmoney back");
  await ada.getByLabel("Add an action …").selectOption("set_priority");
  await ada.getByLabel("Priority", { exact: true }).selectOption("urgent");
  await ada.getByLabel("Add an action …").selectOption("webhook");
  await ada.getByLabel("Address").fill("http://example.com");
  await save(ada);
  await assertRefused(ada, ada.getByLabel("Address"), /https/);
  await ada.getByLabel("Address").fill("https://example.com/hook");
  await ada.getByRole("button", { name: "Move up: 2. Call another program" }).click();
  await assertAccessible(ada, "automation rule");
  await keep(ada, screenshots, "automation-rule");
  await save(ada);
  await ada.getByText(/^whsec_/).waitFor();
  await ada.getByRole("link", { name: "I have copied it" }).click();
  await ada.getByRole("group", { name: "1. Call another program" }).waitFor();
  assert.equal(await ada.getByText(/^whsec_/).count(), 0);
  assert.equal(await ada.getByLabel("Words and phrases").inputValue(), "refund\nmoney back");

  // It is tried on the past: also what is not saved yet.
  await ask("a customer asks for a refund");
  const past = ada.getByRole("complementary");
  await past.getByRole("button", { name: "Try it" }).click();
  await past.getByText("It would run 1 time in 1 conversation.").waitFor();
  await ada.getByLabel("Words and phrases").fill("parcel");
  await past.getByRole("button", { name: "Try it" }).click();
  await past.getByText("It would run 0 times in 0 conversations.").waitFor();
  await ada.getByLabel("Address").fill("http://example.com");
  await past.getByRole("button", { name: "Try it" }).click();
  await past.getByText("The rule is not right yet: see the field.").waitFor();
  await assertRefused(ada, ada.getByLabel("Address"), /https/);
  await assertAccessible(ada, "dry run of an automation rule");
  await keep(ada, screenshots, "automation-dry-run");
  await ada.getByRole("button", { name: "Discard changes" }).click();

  // A bot rule is tried on the past before it is saved.
  await ask("a customer asks when the shop is open");
  await begin(ada, "bot-rules", "Bot rules");
  await ada.getByLabel("Name").fill("Opening hours");
  const dryRun = ada.getByRole("complementary");
  await dryRun.getByRole("button", { name: "Try it" }).click();
  await dryRun.getByText("The rule is not right yet: see the field.").waitFor();
  await ada.getByLabel("Words and phrases").fill("open");
  await ada.getByLabel("Answer the customer").fill("From 9 to 17.");
  await dryRun.getByRole("button", { name: "Try it" }).click();
  await dryRun.getByText("This rule fits 1 messages in 1 conversations.").waitFor();
  await dryRun.getByRole("row", { name: "Answers 1 0" }).first().waitFor();
  await dryRun.getByText("2 conversations would be different.").waitFor();
  await assertAccessible(ada, "dry run");
  await keep(ada, screenshots, "dry-run");
  await save(ada);
  await ada.waitForURL(/#\/admin\/bot-rules\/[0-9a-f-]{36}$/);

  // A calendar and an SLA policy that counts by it.
  await begin(ada, "calendars", "Calendars");
  await ada.getByLabel("Name").fill("Office");
  await ada.getByLabel("Time zone").fill("Mars/Base");
  await save(ada);
  await assertRefused(ada, ada.getByLabel("Time zone"), /./);
  await ada.getByLabel("Time zone").fill("Africa/Addis_Ababa");
  await save(ada);
  await ada.waitForURL(/#\/admin\/calendars\/[0-9a-f-]{36}$/);
  await begin(ada, "sla-policies", "Service levels");
  await ada.getByLabel("Name").fill("Gold");
  const high = group(ada, "High");
  await high.getByRole("spinbutton", { name: "First answer" }).fill("0");
  await ada.getByLabel("Calendar").selectOption({ label: "Office" });
  await save(ada);
  await assertRefused(ada, high.getByRole("spinbutton", { name: "First answer" }), /between one second/);
  await high.getByRole("spinbutton", { name: "First answer" }).fill("2");
  await high.getByLabel("First answer: unit").selectOption("hours");
  await save(ada);
  await ada.waitForURL(/#\/admin\/sla-policies\/[0-9a-f-]{36}$/);
  // What others refer to is not removed, and the page says who they are.
  await go(ada, "calendars");
  await ada.getByRole("link", { name: /Office/ }).click();
  await ada.getByRole("button", { name: "Remove", exact: true }).last().click();
  await ada.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await ada.getByRole("dialog").getByRole("alert").filter({ hasText: /SLA/ }).waitFor();
  await assertAccessible(ada, "removing");
  await ada.keyboard.press("Escape");

  // Bot settings have defaults, and get them back.
  await go(ada, "bot-settings");
  await ada.getByLabel("Hand over after so many uncertain answers").fill("");
  await save(ada);
  await isSaved(ada);
  await ada.reload();
  await ada.getByLabel("Hand over after so many uncertain answers").waitFor();
  assert.equal(await ada.getByLabel("Hand over after so many uncertain answers").inputValue(), "");
  await ada.getByRole("button", { name: "Restore defaults" }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Restore defaults" }).click();
  await ada.waitForFunction(() => document.querySelector("#field-low_confidence_answers")?.value === "3");

  // An agent sees the pages that agents use.
  const agent = await open(browser);
  await signIn(agent, base, agentToken);
  await go(agent, "macros");
  assert.deepEqual(await agent.getByRole("navigation").getByRole("link").allTextContents(), ["Canned responses", "Macros", "Notifications"]);
  await begin(agent, "macros", "Macros");
  await agent.getByLabel("Name").fill("Refund");
  await agent.getByLabel("Who sees it").selectOption("everyone");
  await agent.getByLabel("Add an action …").selectOption("resolve");
  await save(agent);
  await assertRefused(agent, agent.getByLabel("Who sees it"), /Only a supervisor/);
  await agent.getByLabel("Who sees it").selectOption("personal");
  await save(agent);
  await agent.waitForURL(/#\/admin\/macros\/[0-9a-f-]{36}$/);
  await go(agent, "teams");
  await agent.getByRole("heading", { name: "There is no such page" }).waitFor();
  await go(agent, "notifications");
  await agent.getByLabel("With a sound").uncheck();
  await isSaved(agent);

  // Every page, light and dark, from both sides, and narrow.
  for (const [name, page] of [["light", ada], ["dark", bea]]) {
    for (const path of PAGES) {
      await go(page, path);
      await page.waitForFunction(() => !document.querySelector("main")?.textContent.includes("Fetching …"));
      await assertAccessible(page, `${path}, ${name}`);
      await keep(page, screenshots, `${path}-${name}`);
      if ((await page.locator(".items a").count()) === 0) continue;
      await page.locator(".items a").first().click();
      await page.locator(".editor, .facts-list").waitFor();
      await assertAccessible(page, `one of ${path}, ${name}`);
      await keep(page, screenshots, `${path}-one-${name}`);
    }
  }
  await bea.evaluate(() => localStorage.setItem("verbatim.language", "ar"));
  await bea.reload();
  await bea.setViewportSize({ width: 420, height: 860 });
  for (const path of ["", ...PAGES]) {
    await go(bea, path);
    assert.equal(await bea.evaluate(() => document.documentElement.dir), "rtl");
    await assertAccessible(bea, `${path}, from right to left, narrow`);
    await keep(bea, screenshots, `${path}-narrow`);
    const overflow = await bea.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(overflow <= 0, `${path} is ${overflow} px too wide`);
  }

  for (const page of [ada, bea, agent]) await assertClean(page);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
