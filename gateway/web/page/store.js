// The house as the page knows it, and how it hears of changes: one stream of events,
// resumed by number after a lost connection.

import { useEffect, useState } from "./vendor/htm-preact-3.1.1.js";

export const state = {
  session: null,          // {user, inside, open}
  house: null,            // the gateway's own state
  heard: 0,               // when house was told, machine time
  devices: new Map(),     // by name
  pending: new Map(),     // commands on their way, by full name: {value} wished for
  refused: new Map(),     // the last refusal, by full name
  wrong: "",              // why there are no devices to see
  depth: [],              // how many records waited: [ms of the house, n]
  connected: false,
};

const listeners = new Set();
let queued = false;

/** changed draws the page anew, at most once a frame. */
export function changed() {
  if (queued) return;
  queued = true;
  const draw = () => { queued = false; for (const l of listeners) l({}); };
  document.hidden ? setTimeout(draw, 200) : requestAnimationFrame(draw);
}

/** useHouse draws a component anew when the house changes. */
export function useHouse() {
  const [, set] = useState({});
  useEffect(() => { listeners.add(set); return () => listeners.delete(set); }, []);
  return state;
}

/** houseNow is the house's own time, in ms. */
export function houseNow() {
  const h = state.house;
  return h ? Date.parse(h.house_time) + (Date.now() - state.heard) * h.speed : Date.now();
}

const eventListeners = new Set();

/** onEvent calls f with kind, event and number of what happens; it returns how to stop. */
export function onEvent(f) { eventListeners.add(f); return () => eventListeners.delete(f); }

/** Problem is a request that was refused: what was wrong, and what to do. */
export class Problem extends Error {
  constructor(title, hint, code) { super(title); this.hint = hint; this.code = code; }
}

/** ask makes a request of the API; what is refused is thrown as a Problem. */
export async function ask(path, body, method) {
  const options = { method: method || (body === undefined ? "GET" : "POST"), headers: {} };
  if (options.method === "POST") {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body ?? {});
  }
  const response = await fetch("api/" + path, options);
  if (response.status === 401 && path !== "session") { state.session = { inside: false, open: false }; changed(); }
  const type = response.headers.get("Content-Type") || "";
  const value = type.includes("json") ? await response.json() : null;
  if (!response.ok) throw new Problem(value?.title || response.statusText, value?.detail || "", response.status);
  if (value && path.startsWith("devices")) value.after = response.headers.get("Last-Event-ID");
  return value;
}

/** refusedWith puts what was wrong and what to do into one text. */
export const said = (e) => e.hint ? `${e.message} (${e.hint})` : e.message;

let source = null, last = "", known = "";

/** start asks who we are, and begins to listen. */
export async function start() {
  try {
    state.session = await ask("session");
  } catch { setTimeout(start, 2000); return; }
  changed();
  if (state.session.inside) await begin();
}

async function begin() {
  try {
    await load();
    listen();
  } catch (e) {
    if (e.code !== 401) setTimeout(begin, 2000);
  }
}

async function load() {
  try {
    const list = await ask("devices");
    last = list.after || "";
    state.devices = new Map(list.map((d) => [d.device, d]));
    state.wrong = "";
  } catch (e) {
    if (e.code !== 403) throw e;
    state.wrong = said(e); // nothing here may be seen; what is nobody's still is
  }
  changed();
}

function listen() {
  source?.close();
  source = new EventSource("api/events?rate=4&house=true" + (last ? "&after=" + last : ""));
  source.onopen = () => { state.connected = true; changed(); };
  source.onerror = () => {
    state.connected = false;
    changed();
    if (source.readyState === EventSource.CLOSED) setTimeout(start, 2000); // refused, and not only lost
  };
  source.addEventListener("house", (m) => hear(JSON.parse(m.data)));
  source.addEventListener("lost", () => load());
  for (const kind of ["reading", "event", "status", "catalog", "outcome", "rule", "gateway", "variable", "command"]) {
    source.addEventListener(kind, (m) => {
      if (m.lastEventId) last = m.lastEventId;
      const event = JSON.parse(m.data);
      apply(kind, event);
      if (kind === "gateway" && event.gateway === "clock_set") load().catch(() => {}); // all ages are others
      for (const f of eventListeners) f(kind, event, m.lastEventId);
    });
  }
}

/** hear takes the gateway's own state; after a restart all is asked for again. */
function hear(house) {
  const id = house.journal.id + house.started;
  if (known && known !== id) {
    state.depth = []; // its time may be another
    load().catch(() => {});
  }
  known = id;
  state.house = house;
  state.heard = Date.now();
  state.depth.push([Date.parse(house.house_time), house.journal.waiting]);
  if (state.depth.length > 600) state.depth.shift();
  changed();
}

/** apply makes an event part of the devices. */
function apply(kind, e) {
  const d = state.devices.get(e.device);
  if (kind === "catalog") { load().catch(() => {}); return; }
  if (!d || e.raw) return;
  if (kind === "reading") {
    const name = e.device + "." + e.property;
    const readings = d.readings.map((r) => r.name !== name ? r
      : e.value === null || e.value === undefined ? { ...r, value: null, unknown: e.unknown }
        : { ...r, value: e.value, unknown: "", time: e.time });
    state.devices.set(e.device, { ...d, readings });
  } else if (kind === "event") {
    state.devices.set(e.device, { ...d, happened: { ...d.happened, [e.property]: { what: e.event, time: e.time } } });
  } else if (kind === "status") {
    state.devices.set(e.device, { ...d, status: e.status, reason: e.reason || "", since: e.time });
  } else return;
  changed();
}

/** outcomeOf waits until the stream has told the outcome of a command, and with it what came before. */
function outcomeOf(id) {
  return new Promise((told) => {
    const stop = onEvent((kind, e) => kind === "outcome" && e.id === id && end());
    const late = setTimeout(end, 3000);
    function end() { stop(); clearTimeout(late); told(); }
  });
}

/** command sets a property; it is pending until its outcome is known and seen. */
export async function command(device, property, value) {
  const name = device + "." + property;
  const id = "web-" + crypto.getRandomValues(new Uint32Array(3)).join("-");
  const mine = { value }; // a newer one may take its place while it is on its way
  state.pending.set(name, mine);
  state.refused.delete(name);
  changed();
  const seen = outcomeOf(id);
  try {
    const o = await ask("commands", { id, device, set: { [property]: value } });
    if (["applied", "verified", "superseded"].includes(o.outcome)) await seen;
    else state.refused.set(name, { outcome: o.outcome, why: o.error || o.outcome, hint: o.hint || "" });
  } catch (e) {
    state.refused.set(name, { outcome: "failed", why: e.message, hint: e.hint || "" });
  }
  if (state.pending.get(name) === mine) state.pending.delete(name);
  changed();
}

/** logIn begins a session; a wrong password is thrown. */
export async function logIn(user, password) {
  state.session = await ask("session", { user, password });
  changed();
  await begin();
}

export async function logOut() {
  await ask("session", undefined, "DELETE");
  source?.close();
  state.devices = new Map();
  state.session = { inside: false, open: false };
  changed();
}
