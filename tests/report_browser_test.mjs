// What a reader does with the report page: node report_browser_test.mjs BROWSER PAGE
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [, , executablePath, file] = process.argv;
const url = pathToFileURL(file).href;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// A page whose every complaint and every request other than for itself is a failure.
async function open(width, height, colorScheme, run) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector("#curves svg path", { state: "attached" });
  await run(page);
  assert.deepEqual(complaints, []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, `the page is ${overflow} px wider than a ${width} px window`);
  await context.close();
}

const number = async (page, id) => Number((await page.locator(id).innerText()).replace(/,/g, ""));

await open(1280, 800, "light", async (page) => {
  // The slider is reached and moved with the keyboard alone, and the counts follow.
  for (let i = 0; i < 60; ++i) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.id === "threshold")) break;
  }
  assert.equal(await page.evaluate(() => document.activeElement.id), "threshold");
  await page.keyboard.press("Home");
  const lowest = await number(page, "#count-false-accepts");
  const genuine = (await number(page, "#count-true-accepts")) + (await number(page, "#count-false-rejects"));
  const before = await page.locator("#threshold").inputValue();
  await page.keyboard.press("ArrowRight");
  assert.ok((await page.locator("#threshold").inputValue()) > before || Number(before) < 0);
  await page.keyboard.press("End");
  assert.ok(lowest > 0);
  assert.equal(await number(page, "#count-false-accepts"), 0);
  assert.equal(await number(page, "#count-false-rejects"), genuine);
  assert.match(await page.locator("#threshold").getAttribute("aria-valuetext"), /false accepts/);

  // At a threshold of our own, the counts are those of the pairs themselves.
  await page.locator("#threshold-number").fill("0.3");
  await page.keyboard.press("Tab");
  const expected = await page.evaluate(() => {
    const { report } = JSON.parse(document.getElementById("data").textContent);
    const { curve } = report.results[0].verification;
    const at = curve.threshold.findLastIndex((threshold) => threshold >= 0.3);
    return [curve.false_accepts[at], curve.true_accepts[at]];
  });
  assert.deepEqual([await number(page, "#count-false-accepts"), await number(page, "#count-true-accepts")], expected);

  // Every part is there: plots, folds, cohorts, comparison, both lists of pairs with their crops.
  for (const part of ["threshold-section", "curves", "points", "protocols", "cohorts", "comparison", "false-accepts", "false-rejects", "failures", "run"]) {
    assert.equal(await page.locator(`section#${part}`).count(), 1, part);
  }
  assert.equal(await page.locator("#curves svg[role=img]").count(), 2);
  const decoded = await page.evaluate(async () => {
    const images = [...document.querySelectorAll("#false-accepts img")];
    images.forEach((image) => (image.loading = "eager"));
    await Promise.all(images.map((image) => image.decode()));
    return images.length;
  });
  assert.ok(decoded >= 2);

  // Hostile names are shown as they are, and are nothing but text.
  assert.equal(await page.locator("img[onerror], img[src=x]").count(), 0);
  const caption = await page.locator("#false-accepts figcaption").first().innerText();
  assert.ok(caption.includes("</script><img src=x onerror="), caption);

  // Another result is chosen with the keyboard; the slider still works.
  await page.locator("input[name=result]").first().focus();
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator("input[name=result]").nth(1).isChecked(), true);
  await page.locator("#threshold").press("End");
  assert.equal(await number(page, "#count-false-accepts"), 0);
});
await open(390, 844, "dark", async (page) => {
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.match(dark, /^rgb\((\d|[1-3]\d), /);
  // A finger needs room.
  const height = await page.evaluate(() => document.getElementById("threshold").getBoundingClientRect().height);
  assert.ok(height >= 28);
});
await browser.close();
console.log("1 passed, 0 failed");
