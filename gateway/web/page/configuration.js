// The configuration as it is on the disk, with its faults where they stand.

import { html, useState } from "./vendor/htm-preact-3.1.1.js";
import { ask, said } from "./store.js";
import { t } from "./words.js";
import { useFetched } from "./ui.js";

/** Line colours a line of YAML: its key and its comment. */
function Line({ text, problems }) {
  const [, before, comment] = /^((?:[^#"']|"[^"]*"|'[^']*'|\S#)*)(#.*)?$/.exec(text) || [null, text, ""];
  const key = /^(\s*(?:- )?)([\w.]+)(:(?:\s|$).*)$/.exec(before);
  const worst = problems.some((p) => !p.warning) ? "fault" : problems.length ? "warn" : "";
  return html`<li class=${worst}>${key ? html`${key[1]}<span class="yaml-key">${key[2]}</span>${key[3]}` : before}${comment && html`<span class="comment">${comment}</span>`}
    ${problems.map((p) => html`<span class="said">${p.message}${p.hint && ` (${p.hint})`}</span>`)}</li>`;
}

const base = (file) => file.split("/").at(-1);

/** Configuration is the view. */
export function Configuration() {
  const [count, again] = useState(0);
  const [told, tell] = useState(null);
  const { value, error } = useFetched(() => ask("configuration"), [count]);
  const reload = async () => {
    try { await ask("reload", {}); tell({ ok: t("The configuration was read again.") }); } catch (e) { tell({ wrong: said(e) }); }
    again((n) => n + 1);
  };
  if (error) return html`<h1>${t("Configuration")}</h1><p class="refusal" role="alert">${said(error)}</p>`;
  if (!value) return html`<p class="quiet">${t("loading …")}</p>`;
  const faults = value.problems.filter((p) => !p.warning).length;
  return html`<div class="bar"><h1>${t("Configuration")}</h1><button disabled=${faults > 0} onClick=${reload}>${t("Read again")}</button></div>
    <p class="quiet">${t("The files as they are on the disk.")} ${value.problems.length === 0 && t("No fault was found.")}</p>
    ${told && html`<p class=${told.ok ? "finding" : "refusal"} role="status">${told.ok || told.wrong}</p>`}
    ${value.problems.length > 0 && html`<ul class="problems">${value.problems.map((p) => html`<li><span class=${"badge " + (p.warning ? "warn" : "bad")}>${t(p.warning ? "warning" : "fault")}</span>
      <span title=${p.file}>${base(p.file)}${p.line ? `:${p.line}` : ""}</span>: ${p.message}${p.hint && html` <span class="quiet">${p.hint}</span>`}</li>`)}</ul>`}
    ${value.files.map((f) => html`<h2 title=${f.name}>${base(f.name)}</h2><div class="card source code" tabindex="0" role="region" aria-label=${f.name}><ol>${f.text.replace(/\n$/, "").split("\n").map((text, i) =>
      html`<${Line} text=${text} problems=${value.problems.filter((p) => p.file === f.name && p.line === i + 1)} />`)}</ol></div>`)}`;
}
