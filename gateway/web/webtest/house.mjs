// The story of a house that asks who you are, behind a reverse proxy at a sub-path: what
// each person may do, and every kind of control.

import { strict as assert } from "node:assert";
import { allow, ask, choose, look, page, property, shot, sound, step, tell, until } from "./browser.mjs";

const { HOGAR_PAGE: url, HOGAR_DIRECT: direct } = process.env; // by the proxy, and by an address of the network
allow(url);
allow(direct);
const go = (view) => page.goto(`${url}#/${view}`);
const toggle = (name) => property(name).getByRole("switch");
const shown = (name) => property(name).locator(".value").textContent();

/** enter logs in, and returns the answer's status. */
async function enter(user, password) {
  await page.getByLabel(/User|Usuario/).fill(user);
  await page.getByLabel(/Password|Contraseña/).fill(password);
  const answer = page.waitForResponse("**/api/session");
  await page.getByRole("button", { name: /Log in|Entrar/ }).click();
  return (await answer).status();
}

async function leave() {
  await page.locator(".menu summary").click();
  await page.getByRole("button", { name: /Log out|Salir/ }).click();
  await page.getByRole("button", { name: /Log in|Entrar/ }).waitFor();
}

/** refusal waits for the reason below something, and returns it. */
async function refusal(place) {
  const why = place.getByRole("alert");
  await why.waitFor();
  return why.textContent();
}

tell(async () => {
  await step("log-in is demanded off loopback; five wrong passwords slow down the sixth", async () => {
    await page.goto(direct);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await sound("log-in");
    await shot("log-in");
    for (let i = 0; i < 5; i++) assert.equal(await enter("ana", "wrong password"), 401);
    assert.equal(await enter("ana", "correct horse"), 429);
    await page.getByRole("alert").filter({ hasText: "too many wrong passwords" }).waitFor();
    await shot("log-in-refused");
    await until("the right one is let in", async () => await enter("ana", "correct horse") === 200);
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    await leave();
  });

  await step("at the sub-path of a reverse proxy", async () => {
    await page.goto(url);
    assert.equal(await enter("kids", "hidden garden"), 200);
    const value = property("hall.climate.temperature").locator(".value b");
    await value.waitFor();
    const first = await value.textContent();
    await until("another value comes by the stream", async () => await value.textContent() !== first);
    const [cookie] = await page.context().cookies(url);
    assert.deepEqual([cookie.path, cookie.httpOnly, cookie.sameSite], [new URL(url).pathname, true, "Strict"]);
  });

  await step("what somebody may not set is refused with the reason, on the card", async () => {
    await toggle("porch.lamp.state").click();
    assert.match(await refusal(property("porch.lamp.state")), /rejected.*web:kids/);
    assert.equal(await toggle("porch.lamp.state").getAttribute("aria-checked"), "false");
    await shot("no-right");
    await toggle("hall.lamp.state").click();
    await until("what they may is done", async () => await shown("hall.lamp.state") === "on");
    await toggle("downstairs.state").click();
    assert.match(await refusal(property("downstairs.state")), /web:kids/);
  });

  await step("who may see nothing is told so", async () => {
    await leave();
    assert.equal(await enter("guest", "just visiting"), 200);
    await page.getByRole("status").filter({ hasText: "web:guest may not get #" }).waitFor();
    await shot("nothing-to-see");
    await leave();
    assert.equal(await enter("kids", "hidden garden"), 200);
  });

  await step("nor may they switch rules, or have the configuration read", async () => {
    await go("rules");
    const rule = page.getByRole("article", { name: "dark_on" });
    await rule.getByRole("switch").click();
    assert.match(await refusal(rule), /web:kids/);
    assert.equal(await rule.getByRole("switch").getAttribute("aria-checked"), "true");
    await go("configuration");
    await page.getByRole("button", { name: "Read again" }).click();
    await page.getByRole("status").filter({ hasText: "web:kids" }).waitFor();
    await leave();
    assert.equal(await enter("ana", "correct horse"), 200);
    await page.getByRole("heading", { name: "Configuration" }).waitFor();
  });

  await step("a group", async () => {
    await go("devices");
    const group = toggle("downstairs.state");
    const was = await group.getAttribute("aria-checked");
    await group.click();
    await until("both lamps are as one", async () => await shown("porch.lamp.state") !== (was === "true" ? "on" : "off") && await shown("porch.lamp.state") === await shown("hall.lamp.state"));
    await until("and the group tells so", async () => await group.getAttribute("aria-checked") !== was && await group.getAttribute("aria-busy") === "false");
    assert.equal(await shown("downstairs.state"), await shown("hall.lamp.state"));
    const lamp = await shown("porch.lamp.state");
    await toggle("porch.lamp.state").click();
    await until("one of two", async () => await shown("porch.lamp.state") !== lamp && await shown("downstairs.state") === "1 of 2 on");
    await group.click();
    await until("both are off", async () => await shown("downstairs.state") === "off");
  });

  await step("a scene", async () => {
    await page.getByRole("article", { name: "evening" }).getByRole("button").click();
    await until("it is evening", async () => await shown("hall.lamp.state") === "on" && await property("living.lights.sofa").getByRole("slider").inputValue() === "40");
  });

  await step("a choice, a number and a text", async () => {
    const choice = property("vars.house").getByRole("combobox");
    await choice.selectOption("away");
    await until("it is chosen", async () => await choice.inputValue() === "away" && await choice.getAttribute("aria-busy") === "false");
    const number = property("vars.target");
    await number.getByRole("spinbutton").fill("21.5");
    const climate = property("hall.climate.temperature").locator(".value b"), was = await climate.textContent();
    await until("what is typed outlives what comes", async () => await climate.textContent() !== was);
    await number.getByRole("button").click();
    await until("it is set", async () => await shown("vars.target") === "21.5");
    const text = property("hall.display.greeting");
    await text.getByRole("textbox").fill("¡Hola, casa!");
    await page.keyboard.press("Enter");
    await until("it is shown", async () => await shown("hall.display.greeting") === "¡Hola, casa!");
    await go("device/hall.display");
    await page.getByRole("row").filter({ hasText: "web:ana" }).first().waitFor();
    await go("device/porch.lamp");
    await page.getByRole("row").filter({ hasText: "web:kids" }).filter({ hasText: "rejected" }).waitFor();
  });

  await step("what check finds about the rules", async () => {
    await go("rules");
    const found = (rule) => page.getByRole("article", { name: rule }).locator(".finding");
    await found("bright_off").waitFor();
    assert.match(await found("bright_off").textContent(), /flutter.*dark_on/);
    assert.match(await found("water_when_dry").textContent(), /fight.*quiet_night/);
    assert.match(await found("porch_hourly").textContent(), /always true/);
    await ask("loops");
    await go("configuration");
    const faults = page.locator("li.fault .said");
    await faults.first().waitFor();
    const all = (await faults.allTextContents()).join("\n");
    assert.match(all, /loop/);
    assert.match(all, /conflict/);
    assert.ok(await page.getByRole("button", { name: "Read again" }).isDisabled());
    await shot("loops");
    await ask("mend");
    await page.reload();
    await page.getByRole("button", { name: "Read again" }).click();
    await page.getByRole("status").filter({ hasText: "was read again" }).waitFor();
  });

  const views = ["devices", "device/hall.display", "device/vars", "rules", "log", "configuration"];
  await step("all of it in Spanish, dark and on a phone", async () => {
    await choose(1, "es");
    await page.emulateMedia({ colorScheme: "dark" });
    await look(url, "house-spanish", views);
    await page.setViewportSize({ width: 360, height: 740 });
    await look(url, "house-phone", views);
    await choose(1, "en");
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: "light" });
    await look(url, "house", ["devices", "rules"]);
  });

  await step("power is cut: the page asks who you are, and shows what was", async () => {
    await go("devices");
    await property("vars.house").waitFor();
    await page.evaluate(() => { window.kept = "this page"; });
    await ask("power cut");
    await page.locator(".banner").waitFor();
    await ask("power back");
    await page.getByRole("button", { name: "Log in" }).waitFor();
    assert.equal(await enter("ana", "correct horse"), 200);
    await until("it is as it was", async () => await property("vars.house").getByRole("combobox").inputValue() === "away" && await shown("vars.target") === "21.5");
    assert.equal(await page.evaluate(() => window.kept), "this page");
  });
});
