// The ledger: what became of everything that came in, and what waits for RabbitMQ.

import { html, useEffect, useState } from "./vendor/htm-preact-3.1.1.js";
import { ask, houseNow, said, state, useHouse } from "./store.js";
import { clock, figure, span, t } from "./words.js";
import { Chart } from "./chart.js";

const sum = (byReason) => Object.values(byReason || {}).reduce((a, b) => a + b, 0);
const reasons = (byReason) => Object.entries(byReason || {}).map(([k, n]) => `${k}: ${n}`).join(", ");
const columns = [["sampled", (e) => e.sampled], ["filtered", (e) => e.filtered], ["refused", (e) => sum(e.refused), (e) => reasons(e.refused)], ["accepted", (e) => e.accepted],
  ["confirmed", (e) => e.confirmed], ["waiting", (e) => e.waiting], ["dropped", (e) => sum(e.dropped), (e) => reasons(e.dropped)], ["set aside", (e) => e.set_aside]];

function Row({ name, entry, head }) {
  return html`<tr>${head ? html`<th scope="row">${name}</th>` : html`<td>${name}</td>`}${columns.map(([c, of, why]) => html`<td key=${c} class="n" title=${why?.(entry) || null}>${figure(of(entry) || 0)}</td>`)}</tr>`;
}

/** Delivery is the view. */
export function Delivery() {
  const { house } = useHouse();
  const [o, set] = useState(null);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    const look = () => ask("outbox").then((v) => { set(v); setWrong(""); }, (e) => setWrong(said(e)));
    look();
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, []);
  if (!o) return html`<h1>${t("Delivery")}</h1><p class="quiet">${wrong || t("loading …")}</p>`;
  const l = o.ledger, speed = house?.speed || 1;
  const empty = o.waiting <= 20 ? t("now") : o.empty_in < 0 ? t("never, if it goes on so") : span(o.empty_in * 1000);
  return html`<div class="bar"><h1>${t("Delivery")}</h1><span class=${"status " + (o.connected ? "ok" : "bad")}><span class="dot" aria-hidden="true"></span>RabbitMQ: ${t(o.connected ? "connected" : "not connected")}</span></div>
    ${!o.connected && o.error && html`<p class="finding" role="status">${o.error}</p>`}${o.held && html`<p class="finding">${o.held}</p>`}
    <div class="figures">
      ${[["Waiting for RabbitMQ", figure(o.waiting)], ["Oldest", o.oldest && !o.oldest.startsWith("0001") ? span((houseNow() - Date.parse(o.oldest)) / speed, true) : "–"],
        ["Accepted", `${figure(Math.round(o.in * 10) / 10)} `, t("a second")], ["Confirmed", `${figure(Math.round(o.out * 10) / 10)} `, t("a second")], ["Empty in", empty]]
      .map(([name, n, unit]) => html`<div class="card figure" key=${name}><span class="quiet">${t(name)}</span><b>${n}${unit && html`<small class="quiet">${unit}</small>`}</b></div>`)}
    </div>
    ${state.depth.length > 1 && html`<section class="card"><header><h3>${t("Waiting over time")}</h3></header>
      <${Chart} points=${state.depth} from=${state.depth[0][0]} to=${state.depth.at(-1)[0]} label=${t("waiting")} zoom=${() => {}} /></section>`}
    <h2>${t("What became of everything")}</h2>
    <section class="card"><p class="quiet">${t("counted since {t}", { t: clock(Date.parse(l.since), "full") })}</p><div class="table" tabindex="0"><table>
      <thead><tr><th>${t("class")}</th>${columns.map(([c]) => html`<th class="n" key=${c}>${t(c)}</th>`)}</tr></thead>
      <tbody>${Object.entries(l.classes || {}).map(([name, e]) => html`<${Row} key=${name} name=${t(name)} entry=${e} />`)}<${Row} head name=${t("all")} entry=${l.all} /></tbody></table></div></section>
    ${o.set_aside?.length > 0 && html`<h2>${t("Set aside")}</h2><section class="card"><p class="quiet">${t("RabbitMQ refused these for their own sake.")}</p><div class="table" tabindex="0"><table>
      <thead><tr><th>${t("when")}</th><th>${t("key")}</th><th class="n">${t("bytes")}</th><th>${t("why")}</th></tr></thead>
      <tbody>${o.set_aside.map((s) => html`<tr key=${s.seq}><td>${clock(Date.parse(s.time), "full")}</td><td>${s.key}</td><td class="n">${s.bytes}</td><td>${s.reason}</td></tr>`)}</tbody></table></div></section>`}`;
}
