// The frame of the page: header, navigation, and the view that the address names.

import { html, render, useEffect, useRef, useState } from "./vendor/htm-preact-3.1.1.js";
import { changed, logIn, logOut, said, start, state, useHouse, houseNow, ask } from "./store.js";
import { bytes, clock, lang, setZone, span, t } from "./words.js";
import { Devices } from "./devices.js";
import { icon } from "./ui.js";

// What is not on the first screen is loaded when it is looked at.
const lazy = (file, name) => {
  let view = null;
  return (props) => {
    const [, again] = useState(0);
    if (!view) import(file).then((m) => { view = m[name]; again(1); });
    return view ? html`<${view} ...${props} />` : html`<p class="quiet">${t("loading …")}</p>`;
  };
};

const views = {
  devices: Devices,
  device: lazy("./device.js", "Device"),
  rules: lazy("./rules.js", "Rules"),
  rule: lazy("./rules.js", "Rule"),
  log: lazy("./log.js", "Log"),
  delivery: lazy("./delivery.js", "Delivery"),
  configuration: lazy("./configuration.js", "Configuration"),
};

const tabs = [["devices", "Devices"], ["rules", "Rules"], ["log", "Log"], ["delivery", "Delivery"], ["configuration", "Configuration"]];

function where() {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { view: views[view] ? view : "devices", name: rest.join("/") };
}

/** Lamp is one of the header's four states. */
function Lamp({ name, is, text, more, href }) {
  return html`<a class=${"lamp " + is} href=${href} title=${more || text}>
    <span class="dot" aria-hidden="true"></span><span class="lamp-name">${name}</span><span class="lamp-text">${text}</span></a>`;
}

function useOutbox(waiting) {
  const [outbox, set] = useState(null);
  const busy = waiting > 20;
  useEffect(() => {
    if (!busy) { set(null); return; }
    const look = () => ask("outbox").then(set, () => {});
    look();
    const timer = setInterval(look, 2000);
    return () => clearInterval(timer);
  }, [busy]);
  return outbox;
}

function Lamps() {
  const { house: h, connected } = useHouse();
  const outbox = useOutbox(h?.journal.waiting);
  if (!h) return null;
  const j = h.journal;
  let waits = j.waiting > 20 ? t("{n} waiting", { n: j.waiting.toLocaleString(lang()) }) : t("nothing waits");
  if (j.waiting > 20 && j.oldest) waits += ", " + t("oldest {t}", { t: span((houseNow() - Date.parse(j.oldest)) / (h.speed || 1), true) });
  if (outbox && outbox.empty_in > 0 && h.amqp.connected) waits += ", " + t("empty in {t}", { t: span(outbox.empty_in * 1000) });
  const mqtt = h.mqtt || [], unheard = h.unheard || 0;
  const lost = mqtt.filter((m) => !m.connected);
  return html`<div class=${"lamps" + (connected ? "" : " dim")} role="group" aria-label=${t("states")}>
    <${Lamp} name="RabbitMQ" is=${h.amqp.connected ? "ok" : "bad"} text=${t(h.amqp.connected ? "connected" : "not connected")}
      more=${h.amqp.error || h.amqp.url} href="#/delivery" />
    ${mqtt.length > 0 && html`<${Lamp} name="MQTT" is=${lost.length ? "bad" : "ok"} href="#/log"
      text=${lost.length ? t("not connected") : t("connected")} more=${lost.map((m) => m.error || m.url).join(" ")} />`}
    <${Lamp} name=${t("Hardware")} is=${h.online + unheard === h.devices ? "ok" : "warn"} href="#/devices"
      text=${t("{n} of {m} online", { n: h.online, m: h.devices })} more=${unheard > 0 && t("{n} not heard of yet", { n: unheard })} />
    <${Lamp} name=${t("Journal")} is=${j.error ? "bad" : j.waiting > 20 ? "warn" : "ok"} href="#/delivery"
      text=${j.error || waits} more=${bytes(j.bytes) + " " + t("full of {m}", { m: bytes(j.max) })} />
  </div>`;
}

function Clock() {
  const [, tick] = useState(0);
  useHouse();
  useEffect(() => { const timer = setInterval(() => tick((n) => n + 1), 1000); return () => clearInterval(timer); }, []);
  const h = state.house;
  if (!h) return null;
  const doubted = h.clock && !h.clock.trusted;
  return html`<time class="clock" title=${doubted ? h.clock.why : t("times are house time")}>${clock(houseNow(), "minute")}
    ${doubted && html`<span class="badge">${t("clock not trusted")}</span>`}
    ${h.simulated && html`<span class="badge">${t("simulated")}${h.speed !== 1 ? ` × ${h.speed}` : ""}</span>`}</time>`;
}

function setTheme(theme) {
  if (theme) { localStorage.setItem("theme", theme); document.documentElement.dataset.theme = theme; }
  else { localStorage.removeItem("theme"); delete document.documentElement.dataset.theme; }
  changed();
}

function setLang(l) { localStorage.setItem("lang", l); document.documentElement.lang = l; changed(); }

function Menu() {
  const h = state.house, session = state.session;
  const theme = localStorage.getItem("theme") || "";
  const box = useRef(null);
  useEffect(() => { // closed by a press elsewhere and by Escape
    const shut = (e) => { if (e.key === "Escape" || e.type === "pointerdown" && !box.current.contains(e.target)) box.current.open = false; };
    addEventListener("pointerdown", shut);
    addEventListener("keydown", shut);
    return () => { removeEventListener("pointerdown", shut); removeEventListener("keydown", shut); };
  }, []);
  return html`<details class="menu" ref=${box}><summary aria-label=${t("Menu")}>${icon("more")}</summary><div class="menu-body">
    <label>${t("Appearance")}<select onChange=${(e) => setTheme(e.target.value)}>
      ${[["", "as the system"], ["light", "Light"], ["dark", "Dark"]].map(([v, w]) => html`<option value=${v} selected=${v === theme}>${t(w)}</option>`)}
    </select></label>
    <label>${t("Language")}<select onChange=${(e) => setLang(e.target.value)}>
      ${[["en", "English"], ["es", "Español"]].map(([v, w]) => html`<option value=${v} selected=${v === lang()}>${w}</option>`)}
    </select></label>
    ${h && html`<p class="quiet">hogar ${h.version}<br />${t("running since")} ${new Date(h.started).toLocaleString(lang())}</p>`}
    ${session?.user && html`<button class="plain" onClick=${() => logOut()}>${t("Log out")} (${session.user})</button>`}
  </div></details>`;
}

function LogIn() {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e) => {
    e.preventDefault();
    const form = new FormData(e.target);
    setBusy(true);
    try { await logIn(form.get("user"), form.get("password")); } catch (x) { setWrong(said(x)); setBusy(false); }
  };
  return html`<main class="login"><form class="card" onSubmit=${submit}>
    <h1><img src="icon.svg" width="36" height="36" alt="" /> hogar</h1>
    <p class="quiet">${t("This house asks who you are.")}</p>
    <label>${t("User")}<input name="user" autocomplete="username" autocapitalize="none" required autofocus /></label>
    <label>${t("Password")}<input name="password" type="password" autocomplete="current-password" required /></label>
    ${wrong && html`<p class="refusal" role="alert">${wrong}</p>`}
    <button disabled=${busy}>${t("Log in")}</button>
  </form></main>`;
}

function App() {
  const { session, house, connected, heard } = useHouse();
  const [at, go] = useState(where());
  useEffect(() => {
    const moved = () => { go(where()); window.scrollTo(0, 0); };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  setZone(house?.timezone);
  useEffect(() => {
    const title = t(tabs.find(([v]) => v.startsWith(at.view.replace(/s$/, "")))?.[1] || "");
    document.title = [at.name || title, house?.gateway, "hogar"].filter(Boolean).join(" · ");
  });
  if (session && !session.inside) return html`<${LogIn} />`;
  const View = views[at.view];
  const current = at.view === "device" ? "devices" : at.view === "rule" ? "rules" : at.view;
  return html`
    <a class="skip" href="#content" onClick=${(e) => { e.preventDefault(); document.getElementById("content").focus(); }}>${t("Skip to the content")}</a>
    <header>
      <a class="brand" href="#/devices"><img src="icon.svg" width="28" height="28" alt="" /><span>${house?.gateway || "hogar"}</span></a>
      <${Lamps} /><${Clock} /><${Menu} />
    </header>
    <nav aria-label="hogar">${tabs.map(([view, name]) => html`
      <a href=${"#/" + view} aria-current=${view === current ? "page" : null}>${icon(view)}<span>${t(name)}</span></a>`)}</nav>
    ${heard > 0 && !connected && html`<p class="banner" role="status">${t("No connection to the gateway. Trying again …")}</p>`}
    <main id="content" tabindex="-1"><${View} key=${at.view + at.name} name=${at.name} /></main>`;
}

document.documentElement.lang = lang() === "es" ? "es" : "en";
render(html`<${App} />`, document.getElementById("app"));
start();
