// Signing in with a mail address and a password. Arguments: the server's address, the secret of the first owner's invitation, a
// folder for screenshots or nothing. It prints a line when it waits for something outside the browser, and goes on when a
// line comes in.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { assertAccessible, assertClean, launch, open } from "./browser.js";

const [base, invitation, screenshots] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const PASSWORD = "a horse on the roof";

async function ask(what) {
  console.log(what);
  const { done, value } = await lines.next();
  assert(!done, "the test has ended");
  return value;
}
async function keep(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}
const isIn = (page) => page.locator(".connection", { hasText: "Live" }).waitFor();

async function join(page, address, name) {
  await page.goto(address);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Begin" }).click();
  await isIn(page);
}
async function signIn(page, email, password) {
  await page.getByLabel("Mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const browser = await launch();
try {
  // The invitation of the owner: the page says for which account and role, and the address does not keep the secret.
  const owner = await open(browser);
  await owner.goto(`${base}/#join=${invitation}`);
  await owner.getByRole("heading", { name: "Welcome to Acme" }).waitFor();
  await owner.getByText("You were invited as owner.").waitFor();
  assert.equal(owner.url(), `${base}/`);
  assert.equal(await owner.getByLabel("Mail address").inputValue(), "ada@example.com");
  await assertAccessible(owner, "invitation");
  await keep(owner, "invitation");
  await owner.getByLabel("Your name").fill("Ada");
  await owner.getByLabel("New password").fill("too short");
  await owner.getByRole("button", { name: "Begin" }).click();
  await owner.getByText("A password has at least 12 characters.").waitFor();
  await owner.getByLabel("New password").fill(PASSWORD);
  await owner.getByRole("button", { name: "Begin" }).click();
  await isIn(owner);
  // No script reads the cookie, and a reload goes on with it.
  assert.equal(await owner.evaluate(() => document.cookie), "");
  const cookies = await owner.context().cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite })), [
    { name: "__Host-verbatim-session", httpOnly: true, secure: true, sameSite: "Lax" },
  ]);
  await owner.reload();
  await isIn(owner);
  // A link that was used says so.
  const late = await open(browser);
  await late.goto(`${base}/#join=${invitation}`);
  await late.getByRole("alert").waitFor();
  await keep(late, "link-used");
  await late.getByRole("button", { name: "To the sign-in page" }).click();
  await late.getByRole("heading", { name: "Sign in" }).waitFor();
  await assertAccessible(late, "sign-in");
  await keep(late, "sign-in");

  // She invites an administrator, who opens the link.
  await owner.getByRole("button", { name: "People" }).click();
  const people = owner.getByRole("dialog", { name: "People" });
  await people.getByLabel("Mail address").fill("bea@example.com");
  await people.locator("form").getByLabel("Role").selectOption("administrator");
  await people.getByRole("button", { name: "Invite" }).click();
  const link = await people.locator(".one-time-link code").textContent();
  await people.getByText("Invited").first().waitFor();
  await assertAccessible(owner, "people");
  await keep(owner, "people");
  const administrator = await open(browser, { colorScheme: "dark" });
  await join(administrator, link, "Bea");
  await administrator.getByRole("button", { name: "People" }).waitFor();

  // Her role is taken away while she is signed in: the page asks her to sign in again, and then has no people.
  const role = owner.getByRole("dialog").getByLabel("Role: bea@example.com");
  await role.selectOption("agent");
  await administrator.getByText("Your session has ended.").waitFor();
  await keep(administrator, "session-ended");
  await signIn(administrator, "bea@example.com", PASSWORD);
  await isIn(administrator);
  assert.equal(await administrator.getByRole("button", { name: "People" }).count(), 0);

  // A program gets a key, works with it, and is refused once it is revoked. The key is shown once.
  await owner.keyboard.press("Escape");
  await owner.goto(`${base}/#/admin/api-keys`);
  const keys = owner.getByRole("main");
  await keys.getByText("No program has a key to this account.").waitFor();
  await keys.getByLabel("What the key is for").fill("Order system");
  await keys.getByLabel("Role").selectOption("administrator");
  await keys.getByLabel("settings:read").check();
  await keys.getByRole("button", { name: "Create key" }).click();
  const key = await keys.locator(".one-time-link code").textContent();
  await keys.getByText("never used").waitFor();
  await assertAccessible(owner, "api-keys");
  await keep(owner, "api-keys");
  const withKey = async (path) => (await fetch(`${base}${path}`, { headers: { Authorization: `Bearer ${key}` } })).status;
  assert.equal(await withKey("/v1/teams"), 200);
  assert.equal(await withKey("/v1/people"), 403);
  await owner.reload();
  await keys.locator(".key-facts").filter({ hasNotText: "never used" }).waitFor();
  assert.equal(await keys.locator(".one-time-link").count(), 0);
  owner.once("dialog", (dialog) => dialog.accept());
  await keys.getByRole("button", { name: "Revoke: Order system" }).click();
  await keys.getByText("No program has a key to this account.").waitFor();
  assert.equal(await withKey("/v1/teams"), 401);

  // The audit has the key's making and its end, and what was changed.
  await owner.getByRole("link", { name: "Audit" }).click();
  const audit = owner.getByRole("main");
  await audit.getByText("Removed: Order system").waitFor();
  await audit.getByLabel("Changes of").selectOption("people");
  await audit.getByText("Changed: bea@example.com").or(audit.getByText("Changed: Bea")).first().waitFor();
  await audit.getByText("What changed").first().click();
  await audit.getByText("administrator").first().waitFor();
  await assertAccessible(owner, "audit");
  await keep(owner, "audit");
  const [saved] = await Promise.all([owner.waitForEvent("download"), audit.getByRole("button", { name: "Download as CSV" }).click()]);
  assert.equal(saved.suggestedFilename(), "audit.csv");
  await owner.goto(`${base}/#/`);
  await isIn(owner);

  // Her own sessions: the one before has ended, another browser's can be ended.
  await signIn(late, "bea@example.com", PASSWORD);
  await isIn(late);
  await administrator.getByRole("button", { name: "Bea: Your account" }).click();
  const account = administrator.getByRole("dialog", { name: "Your account" });
  await account.locator("li").nth(1).waitFor();
  await assertAccessible(administrator, "own account");
  await keep(administrator, "own-account");
  await account.getByRole("button", { name: "End", exact: true }).click();
  await late.getByText("Your session has ended.").waitFor();
  await account.getByLabel("Present password").fill("not the password");
  await account.getByLabel("New password").fill("a cow on the stairs");
  await account.getByRole("button", { name: "Set password" }).click();
  await account.getByText("The mail address or the password is wrong.").waitFor();
  await account.getByLabel("Present password").fill(PASSWORD);
  await account.getByRole("button", { name: "Set password" }).click();
  await account.getByText("The password is set.").waitFor();
  await administrator.keyboard.press("Escape");

  // The wrong password, again and again: the same words, then a pause.
  for (let attempt = 0; attempt < 10; attempt++) {
    await signIn(late, "nobody@example.com", "not the password");
    await late.getByRole("alert").filter({ hasText: "The mail address or the password is wrong." }).waitFor();
    await late.waitForFunction(() => !document.querySelector("button.primary").disabled);
  }
  await signIn(late, "nobody@example.com", "not the password");
  await late.locator("#refused").filter({ hasNotText: "is wrong" }).waitFor();
  await keep(late, "too-many-attempts");
  await signIn(late, "bea@example.com", "a cow on the stairs");
  await isIn(late);

  // Signed out, the cookie is gone.
  await owner.keyboard.press("Escape");
  await owner.getByRole("button", { name: "Sign out" }).click();
  await owner.getByRole("heading", { name: "Sign in" }).waitFor();
  await owner.waitForFunction(async () => (await fetch("/v1/session")).status === 401);
  assert.deepEqual(await owner.context().cookies(), []);

  // A link of the operator signs in.
  const secret = await ask("sign-in link");
  await owner.goto("about:blank");
  await owner.goto(`${base}/#sign-in=${secret}`);
  await isIn(owner);
  await owner.getByRole("button", { name: "Ada: Your account" }).click();
  await owner.getByRole("dialog").getByLabel("New password").waitFor();
  assert.equal(await owner.getByLabel("Present password").count(), 0);

  for (const page of [owner, administrator, late]) await assertClean(page);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
