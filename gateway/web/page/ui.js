// Pieces that several views use.

import { html, useState, useEffect } from "./vendor/htm-preact-3.1.1.js";
import { command, houseNow, state } from "./store.js";
import { human, rounded, shown, span, t } from "./words.js";

const paths = {
  devices: "M4 11.500 12 5l8 6.500V20H4zM10 20v-5h4v5",
  rules: "M5 6h6v5H5zM13 13h6v5h-6zM8 11v4.500h5",
  log: "M5 7h14M5 12h14M5 17h9",
  delivery: "M4 13V6h16v7m-16 0h4.500l1.500 2.500h4L15.500 13H20v6H4z",
  configuration: "M7 4v9m0 4v3m10-16v3m0 4v9M4.500 15h5M14.500 9h5",
  more: "M12 6v.01M12 12v.01M12 18v.01",
  back: "M14 6l-6 6 6 6",
};

/** icon is a small drawing in the text's colour. */
export const icon = (name) => html`<svg class=${"icon icon-" + name} viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor"
  stroke-width=${name === "more" ? 2.8 : 1.7} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${paths[name]} /></svg>`;

/** Age says how long ago a time of the house was, and counts on. */
export function Age({ time }) {
  const [, tick] = useState(0);
  useEffect(() => { const timer = setInterval(() => tick((n) => n + 1), 2000); return () => clearInterval(timer); }, []);
  if (!time || time.startsWith("0001")) return html`<span class="age">${t("never")}</span>`;
  return html`<span class="age">${span(houseNow() - Date.parse(time), true)}</span>`;
}

/** Status is whether a device is well, in a word and a colour. */
export function Status({ device: d }) {
  const is = { online: "ok", offline: "bad", stale: "warn" }[d.status] || "none";
  return html`<span class=${"status " + is}><span class="dot" aria-hidden="true"></span>${t(d.status || "not heard of yet")}</span>`;
}

/** Control is what sets a property: pending until its outcome is known. */
export function Control({ device, property: p, reading, disabled }) {
  const name = device.device + "." + p.property;
  const pending = state.pending.has(name);
  const value = pending ? state.pending.get(name).value : reading?.value;
  const set = (v) => command(device.device, p.property, v);
  const label = `${human(p.property)}, ${device.label || device.device}`;
  if (p.type === "boolean") {
    return html`<button class="switch" role="switch" aria-checked=${value === true ? "true" : "false"} aria-label=${label} aria-busy=${pending}
      disabled=${disabled} onClick=${() => !pending && set(value !== true)}><span></span></button>`;
  }
  if (p.type === "choice") {
    return html`<select aria-label=${label} aria-busy=${pending} disabled=${disabled} onChange=${(e) => set(e.target.value)}>
      ${!(p.options || []).includes(value) && html`<option selected disabled>${shown(value)}</option>`}
      ${(p.options || []).map((o) => html`<option value=${o} selected=${o === value}>${human(o)}</option>`)}</select>`;
  }
  if (p.type === "number" && p.min !== undefined && p.max !== undefined) return html`<${Slider} ...${{ name, p, value, set, label, pending, disabled }} />`;
  return html`<${Entry} ...${{ p, value, set, label, pending, disabled }} />`;
}

function Slider({ name, p, value, set, label, pending, disabled }) {
  const [moved, move] = useState(null);
  // Where the hand has put it, until the last of its commands has its outcome.
  useEffect(() => { if (!state.pending.has(name)) move(null); }, [pending, value]);
  const now = moved ?? value ?? p.min;
  const step = p.max - p.min > 20 ? 1 : (p.max - p.min) / 100;
  return html`<span class="slider"><input type="range" min=${p.min} max=${p.max} step=${step} value=${now} aria-label=${label} aria-busy=${pending}
    aria-valuetext=${shown(moved ?? value, p.unit)} disabled=${disabled} onInput=${(e) => move(+e.target.value)}
    onChange=${(e) => set(+e.target.value)} /><output>${shown(moved ?? value, p.unit)}</output></span>`;
}

function Entry({ p, value, set, label, pending, disabled }) {
  const number = p.type === "number";
  const [typed, type] = useState(null); // what is typed stays, whatever comes meanwhile
  const submit = (e) => {
    e.preventDefault();
    const s = new FormData(e.target).get("v");
    type(null);
    set(number ? +s : p.type === "object" ? JSON.parse(s) : s);
  };
  return html`<form class="entry" onSubmit=${submit}><input name="v" type=${number ? "number" : "text"} step="any" min=${p.min} max=${p.max} required
    aria-label=${label} aria-busy=${pending} disabled=${disabled} value=${typed ?? (typeof value === "object" ? "" : value)} onInput=${(e) => type(e.target.value)} /><button disabled=${disabled}>${t("Set")}</button></form>`;
}

/** Refusal is why the last command to a property was not carried out. */
export function Refusal({ name }) {
  const r = state.refused.get(name);
  if (!r) return null;
  return html`<p class="refusal" role="alert"><strong>${t(r.outcome)}:</strong> ${r.why}${r.hint && html` <span class="hint">${r.hint}</span>`}
    <button class="plain" aria-label=${t("close")} onClick=${() => { state.refused.delete(name); dispatchEvent(new Event("hogar-closed")); }}>×</button></p>`;
}

/** Property is one line of a card: name, value, age, and what sets it. */
export function Property({ device: d, property: p, big }) {
  const [, again] = useState(0);
  useEffect(() => { const f = () => again((n) => n + 1); addEventListener("hogar-closed", f); return () => removeEventListener("hogar-closed", f); }, []);
  const name = d.device + "." + p.property;
  const r = (d.readings || []).find((x) => x.name === name);
  const happened = d.happened?.[p.property];
  const pending = state.pending.has(name);
  const known = r && r.value !== null && r.value !== undefined;
  let value = r?.text ?? (typeof r?.value === "number" ? rounded(r.value) : shown(r?.value, ""));
  if (p.type === "event") value = happened ? human(String(happened.what)) : "–";
  // A slider and a choice show their value themselves.
  const itself = p.settable && (p.type === "choice" || p.type === "number" && p.min !== undefined && p.max !== undefined);
  return html`<div class=${"property" + (big ? " big" : "") + (pending ? " pending" : "")} data-name=${name}>
    <span class="property-name">${human(p.property)}</span>
    <span class=${"value" + (known || happened || r?.text ? "" : " unknown")} title=${r?.unknown || null}>${!itself && html`<b>${value}</b>${known && p.unit && html` <i>${p.unit}</i>`}`}</span>
    ${p.settable && html`<${Control} device=${d} property=${p} reading=${r} disabled=${d.status === "offline"} />`}
    <span class="when">${pending ? t("pending") : !known && r?.unknown && d.status === "online" ? r.unknown
      : html`<${Age} time=${p.type === "event" ? happened?.time : r?.time} />`}</span>
    <${Refusal} name=${name} />
  </div>`;
}

/** Fetched is what a request brings, asked for again when key changes; show draws it. */
export function useFetched(load, key) {
  const [got, set] = useState({});
  useEffect(() => {
    let gone = false;
    load().then((value) => gone || set({ value }), (error) => gone || set({ error }));
    return () => { gone = true; };
  }, key);
  return got;
}
