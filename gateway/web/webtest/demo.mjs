// The page in a real browser. A Go test starts this program beside a running house
// and does what it asks for on standard output ("ask: broker stop"), answering
// with a line on standard input.

import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const { HOGAR_PAGE: url, HOGAR_GUARDED: guarded, HOGAR_SHOTS: shots, HOGAR_BROWSER: executablePath } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const patience = 40_000;
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
mkdirSync(shots, { recursive: true });

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** ask has the Go test do something, and returns what it says. */
async function ask(what) {
  console.log("ask: " + what);
  const { value } = await lines.next();
  if (value === undefined || value.startsWith("failed: ")) throw new Error(`${what}: ${value}`);
  return value;
}

const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light", locale: "en-GB" });
context.setDefaultTimeout(patience);
const page = await context.newPage();
const said = [];
page.on("pageerror", (e) => said.push(String(e)));
page.on("console", (m) => m.type() === "error" && !/ERR_CONNECTION|ERR_INCOMPLETE|Failed to fetch|net::|status of 429|status of 401/.test(m.text()) && said.push(m.text()));
page.on("request", (r) => !r.url().startsWith(new URL(url).origin) && !r.url().startsWith("data:") && !(guarded && r.url().startsWith(new URL(guarded).origin)) && said.push("loads from elsewhere: " + r.url()));

const step = async (name, f) => {
  const began = Date.now();
  await f();
  console.log(`step: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
};
const go = (view) => page.goto(`${url}#/${view}`);
const property = (name) => page.locator(`[data-name="${name}"]`);
const shot = (name) => page.screenshot({ path: join(shots, name + ".png") });

/** until waits until f is true. */
async function until(what, f) {
  const end = Date.now() + patience;
  while (!await f()) {
    if (Date.now() > end) throw new Error("not in time: " + what);
    await page.waitForTimeout(100);
  }
}

/** sound has axe look at what is shown; serious faults are errors. */
async function sound(view) {
  await page.evaluate(axe + "; 0");
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const bad = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes[0].html} (${v.nodes[0].failureSummary})`), [], view);
}

const views = ["devices", "device/kitchen.climate", "device/hall.lamp", "rules", "rule/hall_light_at_night", "log", "delivery", "configuration"];

async function run() {
  await step("values move", async () => {
    await go("devices");
    const value = property("kitchen.climate.temperature").locator(".value b");
    await value.waitFor();
    const first = await value.textContent();
    await until("another temperature", async () => await value.textContent() !== first);
  });

  await step("a toggle is pending, then on, and the pin is driven", async () => {
    assert.equal(await ask("pin GPIO23"), "high", "the porch lamp's pin is active low");
    let release;
    const held = new Promise((r) => { release = r; });
    await page.route("**/api/commands", async (route) => { await held; await route.continue(); });
    const lamp = property("porch.lamp.state");
    const toggle = lamp.getByRole("switch");
    await toggle.click();
    await lamp.getByText("pending").waitFor();
    assert.equal(await toggle.getAttribute("aria-busy"), "true");
    assert.equal(await ask("pin GPIO23"), "high");
    release();
    await until("no longer pending", async () => await toggle.getAttribute("aria-busy") === "false");
    assert.equal(await toggle.getAttribute("aria-checked"), "true");
    await until("on", async () => (await lamp.locator(".value").textContent()) === "on");
    assert.equal(await ask("pin GPIO23"), "low");
    await page.unroute("**/api/commands");
  });

  await step("a slider and the keyboard", async () => {
    const slider = property("living.lights.sofa").getByRole("slider");
    await slider.focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
    await until("the slider is where the device is", async () =>  (await ask("value living.lights.sofa")) === "3" && (await slider.inputValue()) === "3");
  });

  await step("a refused command shows its reason", async () => {
    await property("workshop.mixer.state").getByRole("switch").click();
    await until("the mixer runs", async () => (await ask("value workshop.mixer.state")) === "on");
    const saw = property("workshop.saw.state");
    await saw.getByRole("switch").click();
    const why = saw.getByRole("alert");
    await why.waitFor();
    assert.match(await why.textContent(), /rejected.*workshop\.mixer/);
    assert.equal(await saw.getByRole("switch").getAttribute("aria-checked"), "false");
    await shot("refused");
    await why.getByRole("button").click();
    await why.waitFor({ state: "detached" });
  });

  await step("the chart shows the last hour", async () => {
    await go("device/kitchen.climate");
    const chart = page.locator("svg.chart");
    await chart.waitFor();
    await until("a line with points", async () => ((await chart.locator("path.line").getAttribute("d")) || "").split(/[ML]/).length > 4);
    const box = await chart.boundingBox();
    const part = await chart.locator("path.line").boundingBox();
    await page.mouse.move(part.x + part.width / 2, box.y + box.height / 2);
    const told = page.locator(".chart-said");
    await until("the value at the pointer", async () => /\d+ °C/.test(await told.textContent()));
    await shot("chart");
    await page.mouse.move(part.x + part.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(part.x + part.width * 0.9, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByRole("button", { name: "reset zoom" }).click();
    await page.getByRole("button", { name: "24 hours" }).click();
    await chart.waitFor();
  });

  await step("steps of a lamp, and its last commands", async () => {
    await go("device/porch.lamp");
    await page.locator("svg.chart path.line").waitFor();
    const row = page.getByRole("row").filter({ hasText: "applied" }).first();
    await row.waitFor();
    assert.match(await row.textContent(), /web/);
  });

  await step("a trace shows why a rule did not fire, and what one did", async () => {
    await until("a trigger that started nothing", async () => {
      await go("rule/hall_light_at_night");
      return await page.locator(".quiet-list .trace").first().waitFor({ timeout: 4000 }).then(() => true, () => false);
    });
    assert.match(await page.locator(".quiet-list").textContent(), /if is false.*hall\.light\.illuminance \d+/s);
    await until("a run", async () => await page.locator("section.card:not(.quiet-list) .trace").count() > 0);
    assert.match(await page.locator("section.card:not(.quiet-list) .trace").first().textContent(), /trigger.*condition/s);
    await shot("trace");
  });

  await step("a rule is switched off and on", async () => {
    await go("rules");
    const off = page.getByRole("article", { name: "frost_guard" });
    await off.getByRole("switch").click();
    await off.getByText("disabled", { exact: true }).waitFor();
    await off.getByRole("switch").click();
    await off.getByText("idle", { exact: true }).waitFor();
  });

  await step("the log is filtered", async () => {
    await go("log");
    await page.locator(".log li").first().waitFor();
    await page.getByRole("searchbox").fill("porch.#");
    await until("only the porch", async () => {
      const names = await page.locator(".log li .code").allTextContents();
      return names.length > 0 && names.every((n) => n.startsWith("porch."));
    });
  });

  await step("the configuration with a fault", async () => {
    await go("configuration");
    await page.getByText("hall_light_at_night").first().waitFor();
    await ask("spoil");
    await page.reload();
    await page.locator("li.fault .said").first().waitFor();
    assert.match(await page.locator("li.fault .said").first().textContent(), /bme281/);
    await shot("fault");
    await ask("mend");
  });

  await step("the broker stops: the header says so, the outbox grows", async () => {
    await go("devices");
    await ask("broker stop");
    await page.locator(".lamp.bad", { hasText: "RabbitMQ" }).waitFor();
    await page.locator(".lamp.warn", { hasText: "waiting" }).waitFor();
    const waiting = async () => +/([\d,]+) waiting/.exec(await page.locator(".lamp", { hasText: "Journal" }).textContent())[1].replace(",", "");
    const first = await waiting();
    await until("it grows", async () => await waiting() > first);
    await shot("broker-down");
    await go("delivery");
    await page.locator(".finding").first().waitFor();
    await shot("delivery");
    await go("devices");
  });

  await step("and drains when it is back", async () => {
    await ask("broker start");
    await page.locator(".lamp.ok", { hasText: "RabbitMQ" }).waitFor();
    await page.locator(".lamp.ok", { hasText: "nothing waits" }).waitFor();
  });

  await step("the page survives a restart of the gateway", async () => {
    await page.evaluate(() => { window.kept = "this page"; });
    await ask("gateway stop");
    await page.locator(".banner").waitFor();
    await ask("gateway start");
    await page.locator(".banner").waitFor({ state: "detached" });
    const toggle = property("porch.lamp.state").getByRole("switch");
    await until("it shows what is", async () => (await toggle.getAttribute("aria-checked") === "true") === (await ask("value porch.lamp.state") === "on"));
    const was = await toggle.getAttribute("aria-checked");
    await toggle.click();
    await until("it obeys", async () => await toggle.getAttribute("aria-checked") !== was && await toggle.getAttribute("aria-busy") === "false");
    assert.equal(await page.evaluate(() => window.kept), "this page");
  });

  await step("Spanish", async () => {
    await page.locator(".menu summary").click();
    await page.locator(".menu select").nth(1).selectOption("es");
    await page.getByRole("heading", { name: "Dispositivos" }).waitFor();
    await page.locator(".menu select").nth(1).selectOption("en");
    await page.locator(".menu summary").click();
  });

  for (const scheme of ["light", "dark"]) {
    await step(`axe-core finds no serious fault, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      for (const view of views) {
        await go(view);
        await page.locator("h1").waitFor();
        await page.waitForTimeout(300);
        await sound(view);
        await shot(`${scheme}-${view.replace(/\W/g, "-")}`);
      }
    });
  }

  await step("at 360 px nothing overflows", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const view of views) {
      await go(view);
      await page.locator("h1").waitFor();
      await page.waitForTimeout(300);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), view + " overflows");
      await shot("phone-" + view.replace(/\W/g, "-"));
    }
    await sound("phone");
  });

  await step("for the README", async () => {
    await page.setViewportSize({ width: 1120, height: 700 });
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      await go("devices");
      await property("kitchen.climate.temperature").waitFor();
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(shots, `page-${scheme}.png`) });
    }
  });

  await step("log-in is demanded off loopback; five wrong passwords slow down the sixth", async () => {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.goto(guarded);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await sound("log-in");
    await shot("log-in");
    const tried = async (password) => {
      await page.getByLabel("User").fill("ana");
      await page.getByLabel("Password").fill(password);
      const answer = page.waitForResponse("**/api/session");
      await page.getByRole("button", { name: "Log in" }).click();
      return (await answer).status();
    };
    for (let i = 0; i < 5; i++) assert.equal(await tried("wrong password"), 401);
    assert.equal(await tried("correct horse"), 429);
    await page.getByRole("alert").filter({ hasText: "too many wrong passwords" }).waitFor();
    await until("the right one is let in", async () => await tried("correct horse") === 200);
    await page.getByRole("heading", { name: "Devices" }).waitFor();
  });
  assert.deepEqual(said, [], "the browser's own complaints");
}

try {
  await run();
} catch (e) {
  await shot("failed").catch(() => {});
  console.log("failed: " + (e.stack || e));
  process.exitCode = 1;
} finally {
  await browser.close();
  process.exit();
}
