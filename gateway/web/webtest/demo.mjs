// The story of the demo, as make demo starts it: what people do on its page, and what
// they must see while the broker and the demo itself come and go.

import { strict as assert } from "node:assert";
import { allow, ask, choose, look, page, property, shot, step, tell, until } from "./browser.mjs";

const url = process.env.HOGAR_PAGE;
allow(url);
const go = (view) => page.goto(`${url}#/${view}`);

/** api asks the demo itself, past the page. */
const api = async (path) => (await fetch(`${url}api/${path}`)).json();
const value = async (name) => (await api("devices?pattern=" + name)).flatMap((d) => d.readings).find((r) => r.name === name)?.value;
const pin = async (name) => (await api("simulation")).pins[name];

const views = ["devices", "device/kitchen.climate", "device/garden.fountain", "rules", "rule/hall_light_at_night", "log", "delivery", "configuration"];

tell(async () => {
  await step("all are online, and values move", async () => {
    await go("devices");
    await page.locator(".lamp.ok", { hasText: "15 of 15 online" }).waitFor();
    const value = property("kitchen.climate.temperature").locator(".value b");
    await value.waitFor();
    const first = await value.textContent();
    await until("another temperature", async () => await value.textContent() !== first);
  });

  await step("a device that is not heard of yet is no alarm, one that is offline is", async () => {
    await page.addInitScript(() => { // what the gateway says of itself, other than it is
      const add = EventSource.prototype.addEventListener;
      EventSource.prototype.addEventListener = function (kind, f) {
        add.call(this, kind, (m) => f(kind === "house" && window.other ? { data: JSON.stringify({ ...JSON.parse(m.data), ...window.other }) } : m));
      };
    });
    const as = async (status, house) => {
      await page.unrouteAll();
      await page.route("**/api/devices", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: (await response.json()).map((d) => d.device === "cellar.probe" ? { ...d, status } : d) });
      });
      await page.reload();
      await page.evaluate((other) => { window.other = other; }, house);
    };
    const probe = page.getByLabel("cellar.probe", { exact: true });
    await as("", { online: 14, unheard: 1 });
    const lamp = page.locator(".lamp.ok", { hasText: "14 of 15 online" });
    await lamp.waitFor();
    assert.equal(await lamp.getAttribute("title"), "1 not heard of yet");
    await probe.getByText("not heard of yet").waitFor();
    assert.equal(await page.locator(".chip", { hasText: "not as it should be" }).count(), 0);
    await shot("not-heard-of");
    await as("offline", { online: 14 });
    await page.locator(".lamp.warn", { hasText: "14 of 15 online" }).waitFor();
    await page.locator(".chip", { hasText: "1 not as it should be" }).waitFor();
    await page.unrouteAll();
    await page.reload();
    await page.locator(".lamp.ok", { hasText: "15 of 15 online" }).waitFor();
  });

  await step("a toggle is pending, then on, and the pin is driven", async () => {
    assert.equal(await pin("GPIO12"), "low");
    let release;
    const held = new Promise((r) => { release = r; });
    await page.route("**/api/commands", async (route) => { await held; await route.continue(); });
    const fountain = property("garden.fountain.state");
    const toggle = fountain.getByRole("switch");
    await toggle.click();
    await fountain.getByText("pending").waitFor();
    assert.equal(await toggle.getAttribute("aria-busy"), "true");
    assert.equal(await pin("GPIO12"), "low");
    release();
    await until("no longer pending", async () => await toggle.getAttribute("aria-busy") === "false");
    assert.equal(await toggle.getAttribute("aria-checked"), "true");
    await until("on", async () => (await fountain.locator(".value").textContent()) === "on");
    assert.equal(await pin("GPIO12"), "high");
    await page.unroute("**/api/commands");
  });

  await step("a refused command shows its reason", async () => {
    const sprinkler = property("garden.sprinkler.state"); // only one of the two may run
    await sprinkler.getByRole("switch").click();
    const why = sprinkler.getByRole("alert");
    await why.waitFor();
    assert.match(await why.textContent(), /rejected.*garden\.fountain/);
    assert.equal(await sprinkler.getByRole("switch").getAttribute("aria-checked"), "false");
    assert.equal(await pin("GPIO13"), "low");
    await shot("refused");
    await why.getByRole("button").click();
    await why.waitFor({ state: "detached" });
  });

  await step("a slider and the keyboard, of a lamp behind MQTT", async () => {
    const slider = property("sofa.lamp.brightness").getByRole("slider");
    await until("the lamp is there", async () => await slider.isEnabled());
    const was = await value("sofa.lamp.brightness") ?? 0;
    await slider.focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
    await until("the slider is where the device is", async () => await value("sofa.lamp.brightness") === was + 3 && await slider.inputValue() === String(was + 3));
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
    await go("device/garden.fountain");
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
    await page.getByRole("searchbox").fill("garden.#");
    await until("only the garden", async () => {
      const names = await page.locator(".log li .code").allTextContents();
      return names.length > 0 && names.every((n) => n.startsWith("garden."));
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

  await step("the page survives a restart of the demo", async () => {
    await page.evaluate(() => { window.kept = "this page"; });
    await ask("demo stop");
    await page.locator(".banner").waitFor();
    await ask("demo start");
    await page.locator(".banner").waitFor({ state: "detached" });
    const toggle = property("garden.fountain.state").getByRole("switch");
    await until("it shows what is", async () => (await toggle.getAttribute("aria-checked") === "true") === await value("garden.fountain.state"));
    const was = await toggle.getAttribute("aria-checked");
    await toggle.click();
    await until("it obeys", async () => await toggle.getAttribute("aria-checked") !== was && await toggle.getAttribute("aria-busy") === "false");
    assert.equal(await page.evaluate(() => window.kept), "this page");
  });

  await step("Spanish", async () => {
    await choose(1, "es");
    await page.getByRole("heading", { name: "Dispositivos" }).waitFor();
    await look(url, "spanish", views);
    await choose(1, "en");
  });

  for (const scheme of ["light", "dark"]) {
    await step(`axe-core finds no serious fault, ${scheme}`, async () => {
      await page.emulateMedia({ colorScheme: scheme });
      await look(url, scheme, views);
    });
  }

  await step("at 360 px nothing overflows", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await look(url, "phone", views);
  });

  await step("for the README", async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      await go("devices");
      await property("kitchen.climate.temperature").waitFor();
      await page.waitForTimeout(500);
      await shot("page-" + scheme);
    }
  });
});
