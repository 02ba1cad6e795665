// All devices, by the first word of their names.

import { html, useState } from "./vendor/htm-preact-3.1.1.js";
import { command, state, useHouse } from "./store.js";
import { human, t } from "./words.js";
import { Property, Refusal, Status } from "./ui.js";

/** room is the first word of a name. */
const room = (d) => d.device.split(".")[0];

/** title is what a device is called inside of its room; a label need not repeat that. */
export function title(d) {
  const [first, ...rest] = (d.label || "").split("/");
  return rest.length && first.toLowerCase() === room(d) ? rest.join("/") : d.label || human(d.device.split(".").slice(1).join(" ") || d.device);
}

/** together is a reading of a group: what its devices agree on, or how many are on. */
function together(d, p, devices) {
  const found = (d.members || []).flatMap((m) => devices.get(m)?.readings?.find((r) => r.name === `${m}.${p.property}` && r.value !== null && r.value !== undefined) || []);
  const name = `${d.device}.${p.property}`;
  if (found.length === 0) return { name, value: null };
  const time = found.map((r) => r.time).sort().at(-1);
  const on = found.filter((r) => r.value === true).length;
  if (found.every((r) => r.value === found[0].value)) return { ...found[0], name, time };
  return p.type === "boolean" ? { name, time, value: true, text: t("{n} of {m} on", { n: on, m: found.length }) } : { name, time, value: null, text: t("not the same") };
}

// Numbers come first and large, what is set next.
const rank = (p) => (p.settable ? 1 : p.type === "number" ? 0 : 2);

function Card({ device: d }) {
  const properties = [...(d.properties || [])].sort((a, b) => rank(a) - rank(b));
  return html`<article class=${"card device " + (d.status || "")} aria-label=${d.device}>
    <header><h3><a href=${"#/device/" + d.device}>${title(d)}</a></h3><${Status} device=${d} /></header>
    ${d.status && d.status !== "online" && d.reason && html`<p class="reason">${d.reason}</p>`}
    ${properties.map((p) => html`<${Property} key=${p.property} device=${d} property=${p} big=${p.type === "number" && !p.settable} />`)}
  </article>`;
}

function Whole({ device: d, devices }) {
  const name = d.device + ".activate";
  const p = (d.properties || []).filter((x) => x.settable);
  const whole = { ...d, readings: p.map((x) => together(d, x, devices)) };
  return html`<article class="card device whole" aria-label=${d.device}>
    <header><h3>${d.label || human(d.device.replaceAll(".", " "))}</h3><span class="quiet">${t(d.kind)}</span></header>
    <p class="quiet">${(d.members || []).join(", ")}</p>
    ${d.kind === "scene" ? html`<div class="property"><button class="start" disabled=${state.pending.has(name)} onClick=${() => command(d.device, "activate", true)}>${t("Activate")}</button><${Refusal} name=${name} /></div>`
      : p.map((x) => html`<${Property} key=${x.property} device=${whole} property=${x} />`)}
  </article>`;
}

// One that is not heard of yet may be a silent one on a battery.
const isWrong = (d) => !d.kind && d.status && d.status !== "online";

/** Devices is the first view. */
export function Devices() {
  const { devices, house, wrong: unseen } = useHouse();
  const [search, setSearch] = useState("");
  const [only, setOnly] = useState("");
  const words = search.toLowerCase();
  const all = [...devices.values()];
  const fits = (d) => (!words || d.device.includes(words) || (d.label || "").toLowerCase().includes(words))
    && (!only || isWrong(d));
  const rooms = new Map();
  for (const d of all.filter((x) => !x.kind && fits(x))) {
    if (!rooms.has(room(d))) rooms.set(room(d), []);
    rooms.get(room(d)).push(d);
  }
  const wholes = all.filter((d) => d.kind && fits(d));
  const wrong = all.filter(isWrong).length;
  return html`
    <div class="bar"><h1>${t("Devices")}</h1>
      <input type="search" placeholder=${t("Search")} aria-label=${t("Search")} value=${search} onInput=${(e) => setSearch(e.target.value)} />
      ${wrong > 0 && html`<button class=${"chip" + (only ? " on" : "")} aria-pressed=${!!only} onClick=${() => setOnly(only ? "" : "wrong")}>${wrong} ${t("not as it should be")}</button>`}
    </div>
    <div class="rooms">${[...rooms].map(([name, list]) => html`<section key=${name} class=${"wide-" + Math.min(list.length, 4)} aria-labelledby=${"room-" + name}>
      <h2 id=${"room-" + name}>${human(name === "vars" ? "variables" : name)}</h2>
      <div class="cards">${list.map((d) => html`<${Card} key=${d.device} device=${d} />`)}</div></section>`)}</div>
    ${wholes.length > 0 && html`<section><h2>${t("Groups and scenes")}</h2><div class="cards few">${wholes.map((d) => html`<${Whole} key=${d.device} device=${d} devices=${devices} />`)}</div></section>`}
    ${unseen && html`<p class="finding" role="status">${unseen}</p>`}
    ${!unseen && rooms.size + wholes.length === 0 && html`<p class="quiet">${t(!house ? "loading …" : all.length ? "No device fits." : "There is no device yet.")}</p>`}`;
}
