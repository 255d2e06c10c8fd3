// A list of 10,000 conversations and a conversation of 10,000 messages. Arguments: the server's address, the token of an
// agent, a folder for screenshots or nothing.
import assert from "node:assert/strict";
import { ask, assertAccessible, assertClean, keep, launch, open, signIn } from "./browser.js";

const [base, ana, screenshots] = process.argv.slice(2);
const CUSTOMERS = 10_001;
const MESSAGES = 10_000;

const browser = await launch();
try {
  const page = await open(browser);
  await signIn(page, base, ana);
  await page.getByRole("tab", { name: `All ${CUSTOMERS}` }).waitFor();
  await page.waitForFunction((size) => document.querySelector("li[aria-setsize]")?.getAttribute("aria-setsize") === String(size), CUSTOMERS);

  // Only what is in sight is in the page.
  const rows = page.locator("a.row");
  assert.ok((await rows.count()) < 60, "a window of the list");
  // Read further down, the list stands still, and says what is new.
  await page.evaluate(() => document.querySelector(".scroller").scrollTo(0, 200_000));
  await page.waitForFunction(() => Number(document.querySelector("li[aria-posinset]").getAttribute("aria-posinset")) > 1_000);
  // The rows in sight: how many are kept in the page around them changes when the scrolling ends.
  const places = () =>
    rows.evaluateAll((links) => {
      const sight = document.querySelector(".scroller").getBoundingClientRect();
      const tops = links.map((link) => [link.dataset.id, Math.round(link.getBoundingClientRect().top)]);
      return tops.filter(([, top]) => top >= sight.top && top < sight.bottom).map((place) => place.join());
    });
  const settled = async () => {
    let before;
    let now = await places();
    while (String(before) !== String(now)) {
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      [before, now] = [now, await places()];
    }
    return now;
  };
  const before = await settled();
  assert.ok(before.length > 5, "rows are in sight");
  await ask("another customer");
  await page.getByRole("button", { name: "1 new" }).waitFor();
  assert.deepEqual(await places(), before, "the list stands still");
  await assertAccessible(page, "long list");
  await page.getByRole("button", { name: "1 new" }).click();
  await page.locator("li:first-child a.row", { hasText: "I am new" }).waitFor();
  // The keys lead through rows that were not in the page.
  await page.keyboard.press("j");
  for (let row = 0; row < 40; row += 1) await page.keyboard.press("j");
  const isFocused = (place) => document.activeElement.closest("li")?.getAttribute("aria-posinset") === place;
  await page.waitForFunction(isFocused, "41").catch(async (error) => {
    const seen = await page.evaluate(() => ({
      focused: document.activeElement.outerHTML.slice(0, 200),
      place: document.activeElement.closest("li")?.getAttribute("aria-posinset"),
      rows: [...document.querySelectorAll("li[aria-posinset]")].map((row) => row.getAttribute("aria-posinset")).join(),
    }));
    throw new Error(`the focus is elsewhere: ${JSON.stringify(seen)}`, { cause: error });
  });

  // A conversation of 10,000 messages begins at its end.
  const id = await page.evaluate(async (token) => {
    const answer = await fetch("/v1/conversations?limit=200&sort=message_count:desc", { headers: { Authorization: `Bearer ${token}` } });
    const found = answer.ok ? (await answer.json()).data.find((row) => row.contact_identifier === "talker") : undefined;
    if (found) return found.id;
    const newest = await fetch("/v1/conversations?limit=5", { headers: { Authorization: `Bearer ${token}` } });
    return (await newest.json()).data.find((row) => row.contact_identifier === "talker").id;
  }, ana);
  await page.goto(`${base}/#/conversations/${id}`);
  const message = (number) => page.locator("article.message", { hasText: `Message ${number}.` });
  await message(MESSAGES - 1).waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector(".messages");
    return log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  });
  // Scrolled back to the first one: what is read stays where it is while earlier messages come above it.
  const scrolled = await page.evaluate(async () => {
    const log = document.querySelector(".messages");
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const seen = () => new Map([...log.querySelectorAll("article.message")].map((one) => [one.dataset.id, one.getBoundingClientRect().top]));
    // The heights of messages that come into the page are measured some frames later.
    const settled = async () => {
      let before;
      let now = seen();
      while (!before || String([...before]) !== String([...now])) {
        await frame();
        [before, now] = [now, seen()];
      }
      return now;
    };
    const size = () => log.querySelector(".entry").parentElement.parentElement.offsetHeight;
    let worst = 0;
    let fetched = 0;
    const until = performance.now() + 300_000;
    while (performance.now() < until) {
      log.scrollTop = Math.max(0, log.scrollTop - 3_000);
      const [places, before] = [await settled(), size()];
      await frame();
      await frame();
      const [after, grown] = [await settled(), size()];
      if (grown > before + 2_000) fetched += 1;
      const middle = log.getBoundingClientRect().top + log.clientHeight / 2;
      const moved = [...places].filter(([id, top]) => after.has(id) && Math.abs(top - middle) < log.clientHeight / 2).map(([id, top]) => Math.abs(after.get(id) - top));
      worst = Math.max(worst, ...moved);
      if (log.textContent.includes("Message 0.") && log.scrollTop < 5) break;
    }
    return { worst, fetched, elements: log.querySelectorAll("article.message").length };
  });
  await message(0).waitFor();
  assert.ok(scrolled.fetched > 5, `earlier messages came ${scrolled.fetched} times`);
  assert.ok(scrolled.worst <= 2, `a message moved by ${scrolled.worst} pixels`);
  assert.ok(scrolled.elements < 100, "a window of the conversation");
  // A new message does not move the reader, and is told.
  await ask("the talker");
  await page.getByRole("button", { name: "1 new message" }).waitFor();
  assert.ok(await message(0).isVisible());
  await page.getByRole("button", { name: "1 new message" }).click();
  await page.locator("article.message", { hasText: "One more" }).waitFor();
  await keep(page, screenshots, "long-conversation");
  await assertClean(page);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}
