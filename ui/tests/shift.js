// A shift of one agent by keyboard alone, while a colleague looks on. Arguments: the server's address, the tokens of two
// agents, a folder for screenshots or nothing.
import assert from "node:assert/strict";
import { ask, assertAccessible, assertClean, keep, launch, open, signIn } from "./browser.js";

const [base, ana, ben, screenshots] = process.argv.slice(2);
const message = (page, text) => page.locator("article.message", { hasText: text });
const row = (page, name) => page.locator("a.row", { hasText: name });
const field = (page) => page.locator(".composer textarea");
const isEmpty = (page) => page.waitForFunction(() => document.querySelector(".composer textarea")?.value === "");
const focused = (page, selector) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

const browser = await launch();
try {
  const page = await open(browser);
  // No pointer is used in this window, and it records what it would tell the reader.
  await page.addInitScript(() => {
    window.told = [];
    window.sounds = 0;
    window.Notification = class {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title, { body }) {
        window.told.push(`${title}: ${body}`);
      }
      close() {}
    };
    const { createOscillator } = AudioContext.prototype;
    AudioContext.prototype.createOscillator = function () {
      window.sounds += 1;
      return createOscillator.call(this);
    };
    for (const kind of ["mousedown", "pointerdown"]) addEventListener(kind, () => (window.pointed = true), true);
  });
  await signIn(page, base, ana);
  const other = await open(browser, { colorScheme: "dark" });
  await signIn(other, base, ben);

  await ask("question");
  await row(page, "Where is my parcel?").waitFor();
  await page.keyboard.press("j");
  await focused(page, "a.row");
  await page.keyboard.press("Enter");
  await message(page, "Where is my parcel?").waitFor();
  await page.keyboard.press("a");
  await row(page, "Where is my parcel?").getByText("With: You").waitFor();
  await row(other, "Where is my parcel?").click();
  await message(other, "Where is my parcel?").waitFor();
  await page.getByText("Also open at: Ben").waitFor();

  // The colleague's typing is shown, and this agent's is shown to them.
  await other.keyboard.press("n");
  await other.keyboard.type("I know them");
  await page.getByText("Ben writes a note …").waitFor();
  await other.keyboard.type(", ask @Ana");
  await other.getByRole("option", { name: "@Ana" }).waitFor();
  await assertAccessible(other, "mention, dark");
  await other.keyboard.press("Enter");
  await other.keyboard.press("Control+Enter");
  await page.locator("article.note", { hasText: "I know them, ask @Ana" }).waitFor();
  await page.getByText("Ben writes a note …").waitFor({ state: "detached" });

  // A canned response is filled in, what has no value is marked, and a text that is not finished is there after a reload.
  await page.keyboard.press("r");
  await focused(page, "textarea");
  await page.keyboard.type("/hi");
  await page.getByRole("option", { name: "/hi" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("textarea").value.endsWith("{{order}}"));
  await page.getByText("Replace order before sending.").waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString() || document.querySelector("textarea").value.slice(document.querySelector("textarea").selectionStart)), "{{order}}");
  await page.keyboard.type("4711 is on its way :tad");
  await page.getByRole("option", { name: ":tada" }).waitFor();
  await page.keyboard.press("Enter");
  await other.getByText("Ana is typing …").waitFor();
  await page.reload();
  await page.waitForFunction(() => document.querySelector("textarea")?.value.includes("4711 is on its way 🎉"));

  // What came since the text was begun is told before it leaves.
  await ask("overtaking");
  await message(page, "Are you there?").waitFor();
  await page.locator(".thread h1").waitFor();
  await page.keyboard.press("r");
  await focused(page, "textarea");
  await page.keyboard.press("Control+Enter");
  await page.getByText("2 new messages since you began.").waitFor();
  await assertAccessible(page, "overtaken");
  await keep(page, screenshots, "overtaken");
  assert.equal(await message(page, "4711").count(), 0);
  await page.keyboard.press("Control+Enter");
  await message(page, "4711").waitFor();
  await isEmpty(page);
  await message(page, "4711").locator(".delivery.dispatched").waitFor();

  // Kinds of messages, reactions, edits and deletions; an answer that quotes.
  await ask("reaction");
  await message(page, "4711").locator(".reactions", { hasText: "👍" }).waitFor();
  await ask("picture and place");
  await message(page, "Shop · Main street").getByRole("link").waitFor();
  await ask("said and edited");
  await message(page, "Order 21").getByText("edited").waitFor();
  await page.waitForFunction(() => !document.querySelector(".messages").textContent.includes("Order 12"));
  await ask("said and deleted");
  await message(page, "This message was deleted.").waitFor();
  await page.waitForFunction(() => !document.body.textContent.includes("1234"));
  await message(page, "Order 21").getByRole("button", { name: /^Answer the message of/ }).focus();
  await page.keyboard.press("Enter");
  await focused(page, "textarea");
  await page.keyboard.type("Noted.");
  await page.keyboard.press("Control+Enter");
  await message(page, "Noted.").locator("blockquote", { hasText: "Order 21" }).waitFor();
  await isEmpty(page);

  // A message that the provider refuses says why, and is sent again.
  await ask("refuse");
  await page.keyboard.type("Will you come?");
  await page.keyboard.press("Control+Enter");
  const failed = message(page, "Will you come?").first();
  await failed.getByText("Not delivered: Undeliverable").waitFor();
  await isEmpty(page);
  await keep(page, screenshots, "failed");
  await assertAccessible(page, "failed");
  await ask("accept");
  await failed.getByRole("button", { name: "Send again" }).focus();
  await page.keyboard.press("Enter");
  await message(page, "Will you come?").nth(1).locator(".delivery.dispatched").waitFor();
  await failed.getByRole("button", { name: "Send again" }).waitFor({ state: "detached" });

  // A key of one's own, chosen in the preferences; a key that is taken is refused with its reason. Alerts are turned on.
  await field(page).press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("prefer");
  await page.getByRole("option", { name: "Preferences" }).waitFor();
  await assertAccessible(page, "palette");
  await keep(page, screenshots, "palette");
  await page.keyboard.press("Enter");
  const preferences = page.getByRole("dialog", { name: "Preferences" });
  await preferences.waitFor();
  await assertAccessible(page, "preferences");
  await keep(page, screenshots, "preferences");
  for (const alert of ["Play a sound", "Show a notification of the browser"]) {
    await preferences.getByLabel(alert).focus();
    await page.keyboard.press("Space");
    await page.waitForFunction((name) => [...document.querySelectorAll("label.choice")].find((label) => label.textContent.includes(name)).querySelector("input").checked, alert);
  }
  const ofNote = preferences.locator(".keys div", { hasText: "Write a note" }).getByRole("button");
  await ofNote.focus();
  await page.keyboard.press("Enter");
  await ofNote.getByText("Press a key …").waitFor();
  await page.keyboard.press("e");
  await preferences.getByText("e is the key of: Resolve or reopen.").waitFor();
  await page.keyboard.press("Enter");
  await ofNote.getByText("Press a key …").waitFor();
  await page.keyboard.press("w");
  await ofNote.getByText("w", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("w");
  await focused(page, "textarea");
  assert.equal(await page.locator(".composer.note").count(), 1);

  // A message in one's own conversation that is not open is told by sound and notification.
  await field(page).press("Escape");
  await page.keyboard.press("Escape");
  await page.locator(".empty").waitFor();
  const sounds = () => page.evaluate(() => window.sounds);
  const before = await sounds();
  await ask("overtaking");
  await page.waitForFunction(() => window.told.some((words) => words.includes("hurry") || words.includes("there")));
  // The tone that was played when it was turned on keeps the next ones silent for a moment.
  while ((await sounds()) === before) await ask("overtaking");

  // One key answers and resolves.
  await page.keyboard.press("1");
  await page.getByRole("tab", { name: /^Mine/, selected: true }).waitFor();
  await page.keyboard.press("j");
  await focused(page, "a.row");
  await page.keyboard.press("Enter");
  await page.keyboard.press("r");
  await focused(page, "textarea");
  await page.keyboard.type("It is with you tomorrow.");
  await page.keyboard.press("Control+Shift+Enter");
  await message(page, "It is with you tomorrow.").waitFor();
  await page.locator(".thread > header .tag", { hasText: "Resolved" }).waitFor();

  // The conversation as it was, event by event, with an address that another reader can open.
  await field(page).press("Escape");
  await page.keyboard.press("h");
  const slider = page.getByLabel("Moment");
  await page.locator(".past-state .tag", { hasText: "Resolved" }).waitFor();
  await page.locator("#moment:enabled").waitFor();
  await slider.focus();
  await page.keyboard.press("Home");
  await page.locator(".past-state .tag", { hasText: "Open" }).waitFor();
  const words = page.locator(".past-state article.message");
  while ((await words.count()) < 1) await page.keyboard.press("ArrowRight");
  await page.locator(".past-state article.message", { hasText: "Where is my parcel?" }).waitFor();
  await assertAccessible(page, "history");
  await keep(page, screenshots, "history");
  await other.goto(page.url());
  await other.locator(".past-state article.message", { hasText: "Where is my parcel?" }).waitFor();
  assert.equal(await other.locator(".past-state article.message", { hasText: "tomorrow" }).count(), 0);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await message(page, "It is with you tomorrow.").waitFor();

  // Too late for a text: the field says why, and a template is sent.
  await ask("late");
  await page.keyboard.press("Escape");
  await page.keyboard.press("4");
  await row(page, "I asked days ago.").waitFor();
  await row(page, "I asked days ago.").focus();
  await page.keyboard.press("Enter");
  await message(page, "I asked days ago.").waitFor();
  await page.keyboard.press("r");
  await focused(page, "textarea");
  await page.keyboard.type("Sorry for the wait.");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/only a template can be sent/).waitFor();
  await assertAccessible(page, "template");
  await keep(page, screenshots, "template");
  await page.getByLabel("Template", { exact: true }).focus();
  await page.keyboard.type("sorry");
  await page.getByLabel(/^Values of its parameters/).focus();
  await page.keyboard.type("Ana");
  await page.getByRole("button", { name: "Send template" }).focus();
  await page.keyboard.press("Enter");
  await message(page, "Template: sorry").waitFor();

  // The inbox as it was: an hour ago it was empty, and now it is as it is.
  const address = await page.evaluate(() => location.hash);
  await page.keyboard.press("t");
  await page.getByText("0 conversations were open.").waitFor();
  await page.evaluate(() => (location.hash = `#/past?as_of=${new Date().toISOString()}`));
  const link = page.locator(".past-inbox tbody a").first();
  await link.waitFor();
  await assertAccessible(page, "the inbox as it was");
  await keep(page, screenshots, "past-inbox");
  await link.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("slider", { name: "Moment" }).waitFor();
  await page.evaluate((before) => (location.hash = before), address);
  await page.locator("article.message").first().waitFor();

  assert.equal(await page.evaluate(() => window.pointed), undefined, "no pointer was used");

  // Every page in every language, in both directions and colours.
  for (const [language, direction] of [["de", "ltr"], ["ar", "rtl"], ["am", "ltr"]]) {
    for (const [reader, colours] of [[page, "light"], [other, "dark"]]) {
      await reader.evaluate((chosen) => localStorage.setItem("verbatim.language", chosen), language);
      await reader.reload();
      await reader.locator(`html[lang=${language}][dir=${direction}]`).waitFor({ state: "attached" });
      await reader.locator("article.message").first().waitFor();
      await assertAccessible(reader, `conversation, ${language}, ${colours}`);
      await keep(reader, screenshots, `conversation-${language}-${colours}`);
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await assertAccessible(page, `keys, ${language}`);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.keyboard.press(",");
    await page.getByRole("dialog").waitFor();
    await assertAccessible(page, `preferences, ${language}`);
    await keep(page, screenshots, `preferences-${language}`);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
  }
  await keep(other, screenshots, "shift-dark");
  for (const each of [page, other]) await assertClean(each);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
