// One device: what it is, what sets it, its past as a chart, and its last commands.

import { html, useEffect, useState } from "./vendor/htm-preact-3.1.1.js";
import { ask, houseNow, onEvent, said, useHouse } from "./store.js";
import { clock, human, shown, t } from "./words.js";
import { Age, Property, Status, icon, useFetched } from "./ui.js";
import { Chart } from "./chart.js";
import { title } from "./devices.js";

const hour = 3600e3;
const spans = [[1, "1 {hour}"], [6, "6 {hours}"], [24, "24 {hours}"], [72, "3 {days}"], [168, "7 {days}"]];
const named = (s) => s.replace(/\{(\w+)\}/, (_, w) => t(w));
const iso = (ms) => new Date(ms).toISOString();

/** usePast is the readings of a property in a range, with those that come now added at its end. */
function usePast(name, range, hours) {
  const [got, set] = useState(null);
  useEffect(() => {
    let gone = false;
    const [from, to] = range || [houseNow() - hours * hour, houseNow()];
    ask(`history?name=${name}&points=300&from=${iso(from)}&to=${iso(to)}`).then(
      (h) => gone || set({ name, points: h.points, unit: h.unit, from, to, count: h.count }), (e) => gone || set({ error: said(e) }));
    const stop = range ? () => {} : onEvent((kind, e) => {
      if (kind === "reading" && `${e.device}.${e.property}` === name && !e.raw) {
        set((g) => g && g.points && { ...g, points: [...g.points, [Date.parse(e.time), e.value ?? null]], count: g.count + 1 });
      }
    });
    return () => { gone = true; stop(); };
  }, [name, range && range[0], range && range[1], hours]);
  return got && (got.error || got.name === name) ? got : null;
}

/** useRaw is what comes in before the filters, while it is looked at. */
function useRaw(device, on) {
  const [list, set] = useState([]);
  useEffect(() => {
    if (!on) { set([]); return; }
    const source = new EventSource(`api/events?raw=true&rate=4&kinds=reading&pattern=${device}`);
    source.addEventListener("reading", (m) => {
      const e = JSON.parse(m.data);
      if (e.raw) set((l) => [...l.slice(-299), { property: e.property, at: Date.parse(e.time), value: e.value ?? null, unit: e.unit }]);
    });
    return () => source.close();
  }, [device, on]);
  return list;
}

function History({ device: d }) {
  const kept = d.properties.filter((p) => p.type !== "event" && p.type !== "object");
  const [chosen, choose] = useState(kept.find((p) => p.type === "number")?.property || kept[0]?.property);
  const [hours, setHours] = useState(1);
  const [range, setRange] = useState(null);
  const [rawOn, setRaw] = useState(false);
  const p = kept.find((x) => x.property === chosen);
  const name = d.device + "." + chosen;
  const past = usePast(name, range, hours);
  const raw = useRaw(d.device, rawOn);
  if (!p) return null;
  const drawn = p.type === "number" || p.type === "boolean";
  const [from, to] = range || [houseNow() - hours * hour, houseNow()];
  const zoom = (a, b) => {
    if (a === null) { setRange(null); return; }
    const now = houseNow();
    if (b - a < 1000) return;
    setRange([Math.round(a), Math.round(Math.min(b, now))]);
  };
  const rows = (past?.points || []).filter(([at]) => at >= from && at <= to);
  return html`<section class="card history"><header><h3>${t("History")}</h3>
      <div class="chips" role="group" aria-label=${t("History")}>${spans.map(([h, w]) => html`<button class=${"chip" + (!range && h === hours ? " on" : "")} aria-pressed=${!range && h === hours}
        onClick=${() => { setRange(null); setHours(h); }}>${named(w)}</button>`)}
        ${range && html`<button class="chip on" onClick=${() => setRange(null)}>${t("reset zoom")}</button>`}</div></header>
    ${kept.length > 1 && html`<div class="chips" role="group" aria-label=${t("value")}>${kept.map((x) => html`<button class=${"chip" + (x.property === chosen ? " on" : "")} aria-pressed=${x.property === chosen}
      onClick=${() => choose(x.property)}>${human(x.property)}</button>`)}</div>`}
    ${past?.error ? html`<p class="refusal">${past.error}</p>` : !past ? html`<p class="quiet">${t("loading …")}</p>`
      : rows.length === 0 ? html`<p class="quiet">${t("No reading in this time.")}</p>`
        : drawn && html`<${Chart} points=${past.points} raw=${raw.filter((r) => r.property === chosen).map((r) => [r.at, r.value])} from=${from} to=${to} unit=${p.unit} label=${human(chosen)} zoom=${zoom} />`}
    ${past && html`<details open=${!drawn}><summary class="quiet">${t("Values as a table")} (${past.count})</summary><div class="table" tabindex="0"><table>
      <thead><tr><th>${t("when")}</th><th class="n">${t("value")}</th></tr></thead>
      <tbody>${rows.slice(-60).reverse().map(([at, v]) => html`<tr><td>${clock(at, "full")}</td><td class="n">${shown(v, p.unit)}</td></tr>`)}</tbody></table></div></details>`}
    <label class="quiet"><input type="checkbox" checked=${rawOn} onChange=${(e) => setRaw(e.target.checked)} /> ${t("raw measurements")}</label>
    ${rawOn && html`<p class="quiet">${t("as they come, before the filters")}: ${raw.filter((r) => r.property === chosen).slice(-6).reverse().map((r) => shown(r.value, r.unit)).join(" · ") || "…"}</p>`}
  </section>`;
}

const good = (o) => o === "applied" || o === "verified";

function Commands({ device }) {
  const [count, again] = useState(0);
  useEffect(() => onEvent((kind, e) => kind === "outcome" && e.device === device && again((n) => n + 1)), [device]);
  const { value } = useFetched(() => ask(`events/past?kinds=outcome&limit=20&pattern=${device}`), [device, count]);
  if (!value) return null;
  return html`<section class="card"><header><h3>${t("Last commands")}</h3></header>
    ${value.length === 0 ? html`<p class="quiet">${t("No command in the last day.")}</p>` : html`<div class="table" tabindex="0"><table>
      <thead><tr><th>${t("when")}</th><th>${t("what")}</th><th>${t("outcome")}</th><th>${t("who")}</th><th>${t("why")}</th></tr></thead>
      <tbody>${value.reverse().map(({ seq, event: e }) => html`<tr key=${seq}><td>${clock(Date.parse(e.time), "second")}</td>
        <td>${Object.entries(e.set || {}).map(([k, v]) => `${human(k)}: ${shown(v)}`).join(", ")}</td>
        <td><span class=${"badge " + (good(e.outcome) ? "ok" : "bad")}>${t(e.outcome)}</span></td><td>${e.source}</td><td>${[e.error, e.reason].filter(Boolean).join(", ")}</td></tr>`)}</tbody></table></div>`}
  </section>`;
}

/** Device is the view of one. */
export function Device({ name }) {
  const { devices } = useHouse();
  const d = devices.get(name);
  if (!d) return html`<p class="quiet">${t(devices.size ? "No device fits." : "loading …")}</p>`;
  return html`<a class="crumb" href="#/devices">${icon("back")}${t("Devices")}</a>
    <div class="bar"><h1>${title(d)}</h1><${Status} device=${d} /></div>
    <p class="quiet"><span class="code">${d.device}</span>${d.driver && html` · ${t("driver")} ${d.driver}`}${d.since && html` · ${t("since {t}", { t: clock(Date.parse(d.since), "full") })}`}</p>
    ${d.repeated > 0 && html`<p class="quiet">${t("measurements that had to be repeated: {n} (the first sign of a bad wire)", { n: d.repeated })}</p>`}
    ${d.status !== "online" && d.reason && html`<p class="finding">${d.reason}</p>`}
    <div class="split"><${History} key=${d.device} device=${d} />
      <section class="card device" aria-label=${d.device}>${d.properties.map((p) => html`<${Property} key=${p.property} device=${d} property=${p} big=${p.type === "number" && !p.settable} />`)}</section></div>
    <h2></h2><${Commands} device=${d.device} />`;
}
