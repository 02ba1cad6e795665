// What both stories in a real browser share. A Go test starts a story beside running
// programs and does what it asks for on standard output ("ask: broker stop"), answering
// with a line on standard input.

import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const { HOGAR_SHOTS: shots, HOGAR_BROWSER: executablePath } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const patience = 60_000;
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
mkdirSync(shots, { recursive: true });

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** ask has the Go test do something, and returns what it says. */
export async function ask(what) {
  console.log("ask: " + what);
  const { value } = await lines.next();
  if (value === undefined || value.startsWith("failed: ")) throw new Error(`${what}: ${value}`);
  return value;
}

const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light", locale: "en-GB" });
context.setDefaultTimeout(patience);

/** page is the one tab of a story. */
export const page = await context.newPage();

// What the browser itself complains of: errors, and anything that is loaded from
// elsewhere. Lost connections and refusals are parts of the stories.
const said = [];
const origins = new Set(["data:"]);
page.on("pageerror", (e) => said.push(String(e)));
page.on("console", (m) => m.type() === "error" && !/ERR_CONNECTION|ERR_INCOMPLETE|Failed to fetch|net::|status of (401|403|409|422|429|502)/.test(m.text()) && said.push(m.text()));
page.on("request", (r) => [...origins].some((o) => r.url().startsWith(o)) || said.push("loads from elsewhere: " + r.url()));

/** allow says where the pages of a story are. */
export const allow = (url) => origins.add(new URL(url).origin);

export const step = async (name, f) => {
  const began = Date.now();
  await f();
  console.log(`step: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
};

export const property = (name) => page.locator(`[data-name="${name}"]`);
export const shot = (name) => page.screenshot({ path: join(shots, name + ".png") });

/** until waits until f is true. */
export async function until(what, f) {
  const end = Date.now() + patience;
  while (!await f()) {
    if (Date.now() > end) throw new Error("not in time: " + what);
    await page.waitForTimeout(100);
  }
}

/** sound has axe look at what is shown; serious faults are errors. */
export async function sound(view) {
  await page.evaluate(axe + "; 0");
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes[0].html} (${v.nodes[0].failureSummary})`), [], view);
}

/** look goes through views of the page at url, has axe look at each, and keeps its screen. */
export async function look(url, name, views) {
  for (const view of views) {
    await page.goto(`${url}#/${view}`);
    await page.locator("h1").first().waitFor();
    await page.waitForTimeout(300); // what is drawn is drawn
    await sound(view);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), view + " overflows");
    await shot(`${name}-${view.replace(/\W/g, "-")}`);
  }
}

/** choose picks a language or an appearance in the menu. */
export async function choose(place, value) {
  await page.locator(".menu summary").click();
  await page.locator(".menu select").nth(place).selectOption(value);
  await page.locator(".menu summary").click();
}

/** tell runs a story and ends the process with what came of it. */
export async function tell(story) {
  try {
    await story();
    assert.deepEqual(said, [], "the browser's own complaints");
  } catch (e) {
    await shot("failed").catch(() => {});
    console.log("failed: " + (e.stack || e));
    process.exitCode = 1;
  }
  await browser.close();
  process.exit();
}
