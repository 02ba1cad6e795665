// What the rules say of themselves, in Spanish: the gateway speaks English, in few forms.

import { lang, t } from "./words.js";

const clock = "(\\d\\d:\\d\\d:\\d\\d)";
const forms = [
  [`^not started at ${clock} by (.*): (?=if is )`, "no se inició a las $1 por $2: "],
  ["(^|: )if is false", "$1la condición no se cumple"],
  ["(^|: )if is unknown", "$1no se sabe si la condición se cumple"],
  ["^waits for ", "espera "],
  [`^run (\\d+), started by (.*), ended at ${clock}: `, "ejecución $1, iniciada por $2, terminada a las $3: "],
  ["^run (\\d+) waits for its turn$", "la ejecución $1 espera su turno"],
  ["^(\\d+) runs are under way$", "hay $1 ejecuciones en marcha"],
  [`^running since ${clock}: `, "en marcha desde las $1: "],
  [", at: (?=set|wait|if|repeat|scene|publish)", ", en: "],
  ["^runaway: started more than (\\d+) times within (\\S+); paused until ", "sin freno: se inició más de $1 veces en $2; en pausa hasta "],
  ["was missed by", "se perdió por"],
  [`^enabled at ${clock}`, "activada a las $1"],
  [`^disabled at ${clock}`, "desactivada a las $1"],
  ["^enabled is false$", "enabled es false"],
  ["^the rule was disabled$", "la regla fue desactivada"],
  ["^more than (\\d+) steps at one moment$", "más de $1 pasos en un momento"],
  ["(^|: )set (?=\\S+ )", "$1fija "],
  ["(^|: )wait until ", "$1espera hasta "],
  ["(^|: )wait (?=[\\d=])", "$1espera "],
  ["(^|: )scene ", "$1escena "],
  ["^repeat (\\d+)", "repite $1"],
  [" while ", " mientras "],
  ["^publish ", "publica "],
  ["^log ", "anota "],
  ["^if ", "si "],
  [": true\\b", ": se cumple"],
  [": false\\b", ": no se cumple"],
  [": unknown, neither", ": no se sabe"],
  [": ended after ", ": terminó después de "],
  [" failed, goes on: ", " falló, sigue: "],
  [" because of ", " por "],
].map(([form, words]) => [new RegExp(form), words]);

/** told is a sentence of the gateway about a rule, in the page's language. */
export function told(s) {
  if (!s || lang() !== "es") return s;
  s = forms.reduce((text, [form, words]) => text.replace(form, words), s);
  return s.replace(/(^|[ :])(applied|verified|rejected|failed|expired|superseded|done|stopped)(?=$|[:,])/, (_, before, word) => before + t(word));
}
