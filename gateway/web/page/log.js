// What happens, as it happens.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact-3.1.1.js";
import { ask, onEvent } from "./store.js";
import { clock, human, shown, t } from "./words.js";

const kinds = { readings: ["reading"], events: ["event"], states: ["status"], commands: ["outcome"], rules: ["rule", "variable"], gateway: ["gateway"] };
const names = { readings: "readings", events: "events", states: "states", commands: "commands", rules: "Rules", gateway: "gateway" };
const most = 400;

/** fits is RabbitMQ's match: * is one word, # any number of words. */
export function fits(pattern, name) {
  const p = pattern.split("."), w = name.split(".");
  const match = (i, j) => i === p.length ? j === w.length
    : p[i] === "#" ? match(i + 1, j) || (j < w.length && match(i, j + 1))
      : j < w.length && (p[i] === "*" || p[i] === w[j]) && match(i + 1, j + 1);
  return match(0, 0);
}

const settings = (set) => Object.entries(set || {}).map(([k, v]) => `${k}: ${shown(v)}`).join(", ");

/** line is an event in words. */
function line(kind, e) {
  switch (kind) {
    case "reading": return html`<b>${shown(e.value, e.unit)}</b>${e.unknown && ` (${e.unknown})`}`;
    case "event": return html`<b>${human(String(e.event))}</b>`;
    case "status": return html`${t(e.status)}${e.reason && `: ${e.reason}`}`;
    case "outcome": return html`${settings(e.set)} · <b>${t(e.outcome)}</b>${e.error && `: ${e.error}`} · ${e.source}`;
    case "rule": return html`${t(e.state)}${e.reason && `: ${e.reason}`}`;
    case "variable": return html`${shown(e.value)}`;
    default: return html`${e.reason || ""}`;
  }
}

const about = (kind, e) => e.device ? (e.property ? `${e.device}.${e.property}` : e.device) : e.rule || e.variable || e.gateway || kind;

/** Log is the view. */
export function Log() {
  const [list, set] = useState([]);
  const [pattern, setPattern] = useState("");
  const [shownKinds, setKinds] = useState(Object.keys(kinds));
  const [paused, pause] = useState(false);
  const stop = useRef(false);
  stop.current = paused;
  useEffect(() => {
    ask(`events/past?limit=150`).then((past) => set((l) => {
      const first = l.length ? l[0].seq : Infinity;
      return [...past.map((p) => ({ seq: p.seq, kind: p.kind, e: p.event })).filter((p) => p.seq < first), ...l].slice(-most);
    }), () => {});
    return onEvent((kind, e, seq) => stop.current || set((l) => [...l, { seq: +seq || Date.now(), kind, e }].slice(-most)));
  }, []);
  const wanted = shownKinds.flatMap((k) => kinds[k]);
  const found = list.filter(({ kind, e }) => wanted.includes(kind) && (!pattern || fits(pattern, about(kind, e)) || fits(pattern, e.device || ""))).reverse();
  const flip = (k) => setKinds((s) => s.includes(k) ? s.filter((x) => x !== k) : [...s, k]);
  return html`<div class="bar"><h1>${t("Log")}</h1>
      <input type="search" class="wide" placeholder=${t("Filter: a name like kitchen.# or *.lamp")} aria-label=${t("Filter: a name like kitchen.# or *.lamp")}
        value=${pattern} onInput=${(e) => setPattern(e.target.value.trim())} />
      <button class="chip" aria-pressed=${paused} onClick=${() => pause(!paused)}>${t(paused ? "go on" : "pause")}</button></div>
    <div class="chips" role="group">${Object.keys(kinds).map((k) => html`<button class=${"chip" + (shownKinds.includes(k) ? " on" : "")} aria-pressed=${shownKinds.includes(k)} onClick=${() => flip(k)}>${t(names[k])}</button>`)}</div>
    <ol class="log" aria-label=${t("Log")}>${found.map(({ seq, kind, e }) => html`<li key=${seq + kind}><time>${clock(Date.parse(e.time), "second")}</time>
      <span class="kind">${t(kind)}</span><span><span class="code">${about(kind, e)}</span> ${line(kind, e)}</span></li>`)}</ol>
    ${found.length === 0 && html`<p class="quiet">${t("Nothing yet.")}</p>`}`;
}
