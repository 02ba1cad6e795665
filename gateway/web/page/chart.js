// A line over time, as SVG: values between two moments, with a cross at the pointer, and
// a range that is dragged to look closer.

import { html, useLayoutEffect, useRef, useState } from "./vendor/htm-preact-3.1.1.js";
import { clock, shown, t } from "./words.js";

const pad = { left: 52, right: 12, top: 12, bottom: 26 };

/** ticks are round numbers between two. */
export function ticks(low, high, about) {
  const rough = (high - low) / about || 1;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * ([1, 2, 5, 10].find((f) => f * ten >= rough) || 10);
  const list = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) list.push(+v.toPrecision(12));
  return list;
}

const minute = 60000, hour = 60 * minute, day = 24 * hour;
const steps = [minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day];

/** moments are round times between two. */
function moments(from, to, about) {
  const step = steps.find((s) => (to - from) / s <= about) || 14 * day;
  const list = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) list.push({ at, label: clock(at, step >= day ? "day" : "minute") });
  return list;
}

const isNumber = (v) => typeof v === "number";
const number = (v) => typeof v === "boolean" ? +v : v;

/** path is the line through the points: steps for what is on or off, a gap where nothing is known. */
function path(points, x, y, stepped, end) {
  let d = "", open = false, area = "", from = 0, last = null;
  const close = (at) => { if (open) area += `L${at} ${y(null)}L${from} ${y(null)}Z`; open = false; };
  for (const [at, value] of points) {
    const v = number(value);
    if (!isNumber(v)) { if (last !== null && stepped) { d += `H${x(at)}`; area += `L${x(at)} ${y(last)}`; } close(x(at)); last = null; continue; }
    const px = x(at).toFixed(1), py = y(v).toFixed(1);
    if (!open) { d += `M${px} ${py}`; area += `M${px} ${py}`; from = px; open = true; }
    else if (stepped) { d += `H${px}V${py}`; area += `L${px} ${y(last).toFixed(1)}L${px} ${py}`; }
    else { d += `L${px} ${py}`; area += `L${px} ${py}`; }
    last = v;
  }
  let edge = points.length ? x(points[points.length - 1][0]) : 0;
  if (last !== null && stepped) { edge = x(end); d += `H${edge.toFixed(1)}`; area += `L${edge.toFixed(1)} ${y(last).toFixed(1)}`; }
  close(edge.toFixed(1));
  return { d, area };
}

/** Chart draws points [ms, value] between from and to. zoom is called with a range. */
export function Chart({ points, raw = [], from, to, unit, label, zoom }) {
  const box = useRef(null);
  const [[width, height], setSize] = useState([600, 260]);
  const [pointer, setPointer] = useState(null); // ms
  const [drag, setDrag] = useState(null);       // ms where it began
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([e]) => setSize([Math.max(200, e.contentRect.width), Math.max(120, e.contentRect.height)]));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const stepped = points.some(([, v]) => typeof v === "boolean");
  const values = [...points, ...raw].map(([, v]) => number(v)).filter(isNumber);
  let low = Math.min(...values), high = Math.max(...values);
  if (!values.length) { low = 0; high = 1; }
  if (stepped) { low = 0; high = 1; }
  if (high - low < 1e-9) { low -= 1; high += 1; }
  const margin = stepped ? 0.15 : 0.08;
  const span = high - low;
  low -= span * margin; high += span * margin;
  const x = (at) => pad.left + (at - from) / (to - from) * (width - pad.left - pad.right);
  const y = (v) => v === null ? height - pad.bottom : pad.top + (high - v) / (high - low) * (height - pad.top - pad.bottom);
  const inside = points.filter(([at]) => at >= from && at <= to);
  const { d, area } = path(inside, x, y, stepped, to);
  const at = (e) => {
    const r = box.current.getBoundingClientRect();
    const share = ((e.clientX - r.left) * width / r.width - pad.left) / (width - pad.left - pad.right);
    return from + Math.min(1, Math.max(0, share)) * (to - from);
  };
  let near = null;
  if (pointer !== null) {
    for (const p of inside) {
      if (stepped ? p[0] <= pointer : !near || Math.abs(p[0] - pointer) < Math.abs(near[0] - pointer)) near = p;
    }
  }
  const end = () => {
    if (drag !== null && pointer !== null && Math.abs(x(drag) - x(pointer)) > 8) zoom(Math.min(drag, pointer), Math.max(drag, pointer));
    setDrag(null);
  };
  const key = (e) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (move) {
      const i = near ? inside.indexOf(near) + move : move > 0 ? 0 : inside.length - 1;
      if (inside[i]) setPointer(inside[i][0]);
    } else if (e.key === "+" || e.key === "-") {
      const middle = pointer ?? (from + to) / 2, half = (to - from) * (e.key === "+" ? 0.25 : 1);
      zoom(middle - half, middle + half);
    } else return;
    e.preventDefault();
  };
  const yTicks = stepped ? [0, 1] : ticks(low, high, 6);
  const first = inside.find(([, v]) => isNumber(number(v))), last = [...inside].reverse().find(([, v]) => isNumber(number(v)));
  const summary = first ? `${label}: ${clock(first[0], "minute")} ${shown(first[1], unit)}, ${clock(last[0], "minute")} ${shown(last[1], unit)}` : label;
  return html`<div><svg ref=${box} class="chart" viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${summary} tabindex="0"
      onPointerMove=${(e) => setPointer(at(e))} onPointerLeave=${() => { setPointer(null); setDrag(null); }}
      onPointerDown=${(e) => e.pointerType === "mouse" && setDrag(at(e))} onPointerUp=${end} onKeyDown=${key} onDblClick=${() => zoom(null)}>
    ${yTicks.map((v) => html`<line class="grid" x1=${pad.left} x2=${width - pad.right} y1=${y(v)} y2=${y(v)} />
      <text x=${pad.left - 8} y=${y(v) + 4} text-anchor="end">${stepped ? t(v ? "on" : "off").slice(0, 7) : shown(v)}</text>`)}
    ${moments(from, to, width / 90).map((m) => html`<text x=${Math.min(Math.max(x(m.at), pad.left + 14), width - 22)} y=${height - 6} text-anchor="middle">${m.label}</text>`)}
    ${raw.filter(([a, v]) => a >= from && a <= to && isNumber(number(v))).map(([a, v]) => html`<circle class="raw" cx=${x(a)} cy=${y(number(v))} r="2" />`)}
    <path class="area" d=${area} /><path class="line" d=${d} />
    ${inside.length === 1 && isNumber(number(inside[0][1])) && html`<circle class="spot" cx=${x(inside[0][0])} cy=${y(number(inside[0][1]))} r="4" />`}
    ${drag !== null && pointer !== null && html`<rect class="zone" x=${Math.min(x(drag), x(pointer))} width=${Math.abs(x(drag) - x(pointer))} y=${pad.top} height=${height - pad.top - pad.bottom} />`}
    ${near && html`<line class="cross" x1=${x(pointer)} x2=${x(pointer)} y1=${pad.top} y2=${height - pad.bottom} />
      ${isNumber(number(near[1])) && html`<circle class="spot" cx=${stepped ? x(pointer) : x(near[0])} cy=${y(number(near[1]))} r="4.5" />`}`}
  </svg><p class="chart-said" aria-live="polite">${near ? html`${clock(near[0], "full")} <b>${shown(near[1], unit)}</b>` : ""}</p></div>`;
}
