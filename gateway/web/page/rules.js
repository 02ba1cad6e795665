// The rules: how each is and why, and what its last runs did, step by step.

import { html, useEffect, useState } from "./vendor/htm-preact-3.1.1.js";
import { ask, onEvent, said, useHouse } from "./store.js";
import { clock, human, t } from "./words.js";
import { Age, icon } from "./ui.js";
import { told } from "./sentences.js";

const isTime = (s) => s && !s.startsWith("0001");

/** useAgain asks again when a rule did something, and now and then. */
function useAgain(load, key) {
  const [got, set] = useState({});
  useEffect(() => {
    let gone = false, timer = null;
    const look = () => load().then((value) => gone || set({ value }), (error) => gone || set({ error }));
    look();
    const soon = () => { timer ??= setTimeout(() => { timer = null; look(); }, 400); };
    const stop = onEvent((kind) => (kind === "rule" || kind === "variable") && soon());
    const slow = setInterval(look, 4000);
    return () => { gone = true; stop(); clearTimeout(timer); clearInterval(slow); };
  }, [key]);
  return [got, set];
}

function Enable({ rule: r }) {
  const [wish, setWish] = useState(null);
  const [wrong, setWrong] = useState("");
  const on = wish ?? r.enabled;
  useEffect(() => setWish(null), [r.enabled]);
  const flip = async () => {
    setWish(!on);
    setWrong("");
    try { await ask(`rules/${r.rule}/${on ? "disable" : "enable"}`, {}); } catch (e) { setWish(null); setWrong(said(e)); }
  };
  return html`<div><button class="switch" role="switch" aria-checked=${on ? "true" : "false"} aria-busy=${wish !== null && wish !== r.enabled}
    aria-label=${`${r.label || human(r.rule)}: ${t("enabled")}`} onClick=${flip}><span></span></button>${wrong && html`<p class="refusal" role="alert">${wrong}</p>`}</div>`;
}

const colour = { running: "ok", paused: "warn", disabled: "warn" };

function Head({ rule: r, link }) {
  const name = r.label || human(r.rule);
  return html`<div class="rule-head"><h3>${link && html`<a href=${"#/rule/" + r.rule}>${name}</a>`} <span class=${"badge " + (colour[r.state] || "")}>${t(r.state)}</span></h3>
    <${Enable} rule=${r} /><p>${told(r.why)}</p></div>
    <p class="facts"><span>${t("last run")} <b>${isTime(r.last) ? html`<${Age} time=${r.last} />` : t("never")}</b></span>
      <span>${t("next look")} <b>${isTime(r.next) ? clock(Date.parse(r.next), "second") : t("only when something happens")}</b></span>
      <span>${t("runs")} <b>${r.started}</b></span></p>
    ${(r.findings || []).map((f) => html`<p class="finding">${f}</p>`)}`;
}

/** Rules is the view of all. */
export function Rules() {
  useHouse();
  const [{ value, error }] = useAgain(() => ask("rules"), "all");
  const found = (value || []).filter((r) => r.findings?.length).length;
  return html`<div class="bar"><h1>${t("Rules")}</h1>${found > 0 && html`<span class="badge warn">${t("What hogar check found")}: ${found}</span>`}</div>
    ${error && html`<p class="refusal" role="alert">${said(error)}</p>`}
    ${value && value.length === 0 && html`<p class="quiet">${t("There is no rule yet.")}</p>`}
    <div class="rules">${(value || []).map((r) => html`<article class="card" key=${r.rule} aria-label=${r.rule}><${Head} rule=${r} link /></article>`)}</div>`;
}

const ended = { done: "done", failed: "bad", stopped: "no", missed: "no" };

function Run({ run, open }) {
  const is = ended[run.state] || "";
  return html`<details class="run" open=${open}><summary><b>${clock(Date.parse(run.began), "second")}</b>
      <span class=${"badge " + ({ done: "ok", bad: "bad", no: "warn" }[is] || "")}>${t(run.state)}</span><span class="quiet">${run.event || run.trigger}</span></summary>
    <ol class="trace">
      <li class="start">${t("trigger")} <code>${run.trigger}</code>${run.event && html`<span class="saw">${run.event}</span>`}</li>
      ${run.if && html`<li class="done">${t("condition")}<span class="saw">${t("saw")} ${run.if}</span></li>`}
      ${(run.steps || []).map((s, i) => html`<li key=${i} class=${/rejected|failed|expired|wrong/.test(s.did) ? "bad" : ""}><span class="step-time">${clock(Date.parse(s.at), "second")}</span>${told(s.did)}</li>`)}
      ${run.cut > 0 && html`<li>${t("{n} steps left out", { n: run.cut })}</li>`}
      ${isTime(run.ended) && html`<li class=${is}><span class="step-time">${clock(Date.parse(run.ended), "second")}</span>${t(run.state)}${run.reason ? ": " + told(run.reason) : ""}</li>`}
    </ol></details>`;
}

/** Rule is the view of one, with its traces. */
export function Rule({ name }) {
  useHouse();
  const [{ value: r, error }] = useAgain(() => ask("rules/" + name), name);
  if (error) return html`<p class="refusal" role="alert">${said(error)}</p>`;
  if (!r) return html`<p class="quiet">${t("loading …")}</p>`;
  const runs = [...(r.runs || [])].reverse(), quiet = [...(r.quiet || [])].reverse();
  return html`<a class="crumb" href="#/rules">${icon("back")}${t("Rules")}</a>
    <div class="bar"><h1>${r.label || human(r.rule)}</h1></div>
    <article class="card"><${Head} rule=${r} /></article>
    <h2>${t("Started nothing")}</h2>
    <section class="card quiet-list">${quiet.length === 0 ? html`<p class="quiet">${t("never")}</p>` : quiet.map((q, i) => html`<details class="run" key=${q.at} open=${i === 0}>
      <summary><b>${clock(Date.parse(q.at), "second")}</b><span class="badge warn">${told(q.why)}</span><span class="quiet">${q.event || q.trigger}</span></summary>
      <ol class="trace"><li class="start">${t("trigger")} <code>${q.trigger}</code>${q.event && html`<span class="saw">${q.event}</span>`}</li>
        <li class="no">${told(q.why)}${q.if && html`<span class="saw">${t("saw")} ${q.if}</span>`}</li></ol></details>`)}</section>
    <h2>${t("Runs")}</h2>
    <section class="card">${runs.length === 0 ? html`<p class="quiet">${t("It has not run yet.")}</p>` : runs.map((run, i) => html`<${Run} key=${run.began + run.run} run=${run} open=${i === 0} />`)}</section>`;
}
