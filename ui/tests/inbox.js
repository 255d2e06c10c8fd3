// The work of two agents in the inbox. Arguments: the server's address, the tokens of two agents, a folder for screenshots or nothing.
// It prints a line when it waits for the customer, and goes on when a line comes in.
import assert from "node:assert/strict";
import { ask, assertAccessible, assertClean, keep as keepIn, launch, open, signIn as signInAt } from "./browser.js";

const [base, ana, ben, screenshots] = process.argv.slice(2);
const keep = (page, name) => keepIn(page, screenshots, name);
const signIn = (page, token) => signInAt(page, base, token);
const row = (page, name) => page.locator("a.row", { hasText: name });
const message = (page, text) => page.locator("article.message", { hasText: text });

const browser = await launch();
try {
  // Without a token the page asks for one, and says which are none.
  const stranger = await open(browser);
  await stranger.goto(`${base}/`);
  await stranger.getByRole("button", { name: "Use a token instead" }).click();
  await stranger.getByLabel("Token or link").fill("no token");
  await stranger.getByRole("button", { name: "Sign in" }).click();
  await stranger.getByText("This is no token, or it has ended.").waitFor();
  await assertAccessible(stranger, "sign-in");
  await keep(stranger, "sign-in");
  await assertClean(stranger);

  // A link signs in, and the address does not keep the token.
  const first = await open(browser);
  await signIn(first, ana);
  assert.equal(first.url(), `${base}/`);
  assert.equal(await first.evaluate(() => document.documentElement.innerHTML.includes("token=")), false);
  // A link that is pasted does too.
  const second = await open(browser, { colorScheme: "dark", locale: "de-DE" });
  await second.goto(`${base}/`);
  await second.getByRole("button", { name: "Stattdessen ein Token verwenden" }).click();
  await second.getByLabel("Token oder Link").fill(`${base}/#token=${ben}`);
  await second.getByRole("button", { name: "Anmelden" }).click();
  await second.locator(".connection", { hasText: "Verbunden" }).waitFor();

  // A customer's message appears by itself, to both.
  await ask("first message");
  await row(first, "Where is my parcel?").waitFor();
  await row(second, "Where is my parcel?").waitFor();
  assert.match((await row(first, "Where is my parcel?").locator(".badge").textContent()) ?? "", /1 unread message/);
  await first.getByRole("tab", { name: "Unassigned 1" }).waitFor();
  await assertAccessible(first, "inbox, light");
  await assertAccessible(second, "inbox, dark");

  // By keyboard alone: to the conversation, take it, answer with a canned response.
  await first.keyboard.press("j");
  await first.keyboard.press("Enter");
  await message(first, "Where is my parcel?").waitFor();
  await row(first, "Where is my parcel?").locator(".badge").waitFor({ state: "detached" });
  await first.keyboard.press("a");
  await row(first, "Where is my parcel?").getByText("With: You").waitFor();
  await first.getByRole("tab", { name: "Mine 1" }).waitFor();
  await row(second, "Where is my parcel?").getByText("Bei: Ana").waitFor();

  // The search finds a message by the beginning of a word, says what is wrong in a filter, and opens the message.
  await first.keyboard.press("s");
  await first.keyboard.type("colour:red");
  await first.locator(".search [role=alert]", { hasText: "is no filter" }).waitFor();
  await first.getByRole("combobox", { name: "Search" }).fill("parce");
  await first.locator(".result mark", { hasText: "parcel" }).first().waitFor();
  await assertAccessible(first, "search");
  await keep(first, "search");
  await first.keyboard.press("ArrowDown");
  await first.keyboard.press("Enter");
  await first.locator("article.message:focus", { hasText: "Where is my parcel?" }).waitFor();
  assert.match(first.url(), /\/messages\//);
  await first.keyboard.press("r");
  await first.keyboard.type("/hi");
  await first.getByRole("option", { name: "/hi" }).waitFor();
  await assertAccessible(first, "canned responses");
  await first.keyboard.press("Enter");
  await first.waitForFunction(() => document.querySelector("textarea")?.value.startsWith("Hello"));
  await first.keyboard.type(" It left yesterday.");
  await first.keyboard.press("Control+Enter");
  const answer = message(first, "It left yesterday.");
  await answer.waitFor();
  await first.waitForFunction(() => document.querySelector("textarea")?.value === "");
  await answer.locator(".delivery", { hasText: /Sent|Delivered|Read/ }).waitFor();

  // The other agent reads along, and writes a note that the first sees apart.
  await row(second, "It left yesterday.").click();
  await message(second, "It left yesterday.").waitFor();
  await first.getByText("1 other person has this open").waitFor();
  await second.keyboard.press("n");
  await second.keyboard.type("She wrote last week too.");
  await second.keyboard.press("Control+Enter");
  await first.locator("article.note", { hasText: "She wrote last week too." }).waitFor();
  await second.waitForFunction(() => document.querySelector("textarea")?.value === "");
  await second.locator("button[type=submit]:enabled", { hasText: "Notiz anfügen" }).waitFor();
  // An empty answer is refused at the field.
  await second.keyboard.press("Control+Enter");
  await second.locator("#composer-error").waitFor();
  await assertAccessible(second, "conversation, dark");
  await assertAccessible(first, "conversation, light");
  await keep(first, "conversation-light");
  await keep(second, "conversation-dark");

  // Words that look like a page are words.
  await ask("markup");
  await message(first, "<img src=x onerror=alert(1)>").waitFor();
  assert.equal(await first.locator(".messages img").count(), 0);

  // A label and a priority, seen by the other.
  await first.getByRole("textbox", { name: "Add a label" }).fill("vip");
  await first.getByRole("button", { name: "Add", exact: true }).click();
  await second.locator(".labels", { hasText: "vip" }).waitFor();
  await first.getByRole("combobox", { name: "Priority" }).selectOption("urgent");
  await row(second, "onerror").locator(".tag", { hasText: "Dringend" }).waitFor();

  // An address that names a conversation opens it, with the session that the tab keeps.
  await second.reload();
  await message(second, "onerror").waitFor();

  // What happens while the connection is away is there when it is back, without a reload.
  await first.evaluate(() => (window.notReloaded = true));
  await ask("restart");
  // None has, if the page was back before the customer wrote.
  await first.getByText(/Connected again: (1 conversation|0 conversations) changed meanwhile/).waitFor();
  await message(first, "I am still here.").waitFor();
  await ask("after the restart");
  await message(first, "Are you?").waitFor();
  await message(second, "Are you?").waitFor();
  assert.equal(await first.evaluate(() => window.notReloaded), true);

  // Resolved, the conversation leaves the list of open work; the other sees it too. Then it is opened again.
  await first.locator(".thread h1").click();
  await first.keyboard.press("e");
  await row(first, "Are you?").waitFor({ state: "detached" });
  await second.locator(".thread > header .tag", { hasText: "Gelöst" }).waitFor();
  await first.getByRole("combobox", { name: "Which conversations" }).selectOption("resolved");
  await row(first, "Are you?").waitFor();
  await first.locator(".thread > header").getByRole("button", { name: "Reopen" }).click();
  await row(first, "Are you?").waitFor({ state: "detached" });

  // The keys are told, and a narrow screen has one thing at a time.
  await second.keyboard.press("n");
  await second.keyboard.press("Escape");
  await second.keyboard.press("?");
  await second.getByRole("dialog", { name: "Tasten" }).waitFor();
  await assertAccessible(second, "keys");
  await keep(second, "keys");
  await second.keyboard.press("Escape");
  await second.locator("dialog").waitFor({ state: "detached" });
  await second.setViewportSize({ width: 390, height: 800 });
  assert.equal(await second.locator(".list").isVisible(), false);
  await assertAccessible(second, "conversation, narrow");
  await keep(second, "narrow-conversation");
  await second.getByRole("link", { name: "Zurück zur Liste" }).click();
  await second.locator(".list").waitFor();
  await assertAccessible(second, "inbox, narrow");
  await keep(second, "narrow-inbox");

  // The list stands still while it is read further down, and says what is new.
  await first.getByRole("combobox", { name: "Which conversations" }).selectOption("active");
  await ask("thirty customers");
  await first.locator("li[aria-setsize='31'] .preview", { hasText: "Hello" }).first().waitFor();
  await first.waitForFunction(() => ![...document.querySelectorAll("a.row .preview")].slice(0, 5).some((preview) => !preview.textContent.includes("Hello")));
  // The list stands still from the moment at which the page hears of the scrolling, which is the next frame.
  await first.evaluate(() => {
    const scroller = document.querySelector(".scroller");
    return new Promise((heard) => {
      scroller.addEventListener("scroll", heard, { once: true });
      scroller.scrollTo(0, 800);
    });
  });
  const order = () =>
    first.locator("li[aria-posinset]").evaluateAll((items) => items.map((item) => [item.ariaPosInSet, item.firstElementChild.dataset.id].join()));
  const before = await order();
  await ask("one more customer");
  await first.getByRole("tab", { name: "Unassigned 32" }).waitFor();
  const pill = first.getByRole("button", { name: "1 new" });
  await pill.waitFor();
  const after = await order();
  assert.ok(before.filter((place) => after.includes(place)).length > 5, "the list stands still");
  await pill.click();
  await first.locator("li:first-child a.row", { hasText: "I am the newest." }).waitFor();
  assert.equal(await pill.count(), 0);

  for (const page of [first, second]) await assertClean(page);

  // Signed out, the tab keeps nothing.
  await first.getByRole("button", { name: "Sign out" }).click();
  await first.reload();
  await first.getByRole("heading", { name: "Sign in" }).waitFor();
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
