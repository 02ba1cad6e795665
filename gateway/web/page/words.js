// The words of the page, in English and Spanish. English is the key.

const es = {
  "Devices": "Dispositivos", "Rules": "Reglas", "Log": "Registro", "Delivery": "Entrega", "Configuration": "Configuración",
  "Hardware": "Equipos", "Journal": "Diario", "connected": "conectado", "not connected": "sin conexión",
  "{n} of {m} online": "{n} de {m} en línea", "{n} not heard of yet": "{n} aún sin noticias", "{n} waiting": "{n} en espera", "nothing waits": "nada en espera",
  "empty in {t}": "vacío en {t}", "oldest {t}": "más antiguo {t}", "simulated": "simulado", "clock not trusted": "reloj no fiable", "online": "en línea", "offline": "sin conexión",
  "stale": "sin noticias", "not heard of yet": "aún sin noticias", "on": "encendido", "off": "apagado", "unknown": "desconocido",
  "now": "ahora", "{n} s ago": "hace {n} s", "{n} min ago": "hace {n} min", "{n} h ago": "hace {n} h", "{n} days ago": "hace {n} días",
  "{n} s": "{n} s", "{n} min": "{n} min", "{n} h": "{n} h", "{n} days": "{n} días", "never": "nunca", "pending": "en curso",
  "No connection to the gateway. Trying again …": "Sin conexión con la casa. Se intenta de nuevo …",
  "Search": "Buscar", "all": "todos", "not as it should be": "con problemas", "No device fits.": "Ningún dispositivo coincide.",
  "There is no device yet.": "Todavía no hay dispositivos.", "Set": "Fijar", "close": "cerrar", "Groups and scenes": "Grupos y escenas", "Activate": "Activar",
  "Last commands": "Últimas órdenes", "No command in the last day.": "Ninguna orden en el último día.", "when": "cuándo", "what": "qué",
  "outcome": "resultado", "who": "quién", "why": "por qué", "History": "Historia", "hour": "hora", "hours": "horas", "day": "día", "days": "días",
  "reset zoom": "deshacer zoom", "raw measurements": "mediciones sin filtrar", "as they come, before the filters": "como llegan, antes de los filtros",
  "Values as a table": "Valores en una tabla", "value": "valor", "No reading in this time.": "Sin lecturas en este tiempo.",
  "driver": "controlador", "device": "dispositivo", "since {t}": "desde {t}", "back": "volver",
  "measurements that had to be repeated: {n} (the first sign of a bad wire)": "mediciones que hubo que repetir: {n} (la primera señal de un cable malo)",
  "There is no rule yet.": "Todavía no hay reglas.", "enabled": "activada", "disabled": "desactivada", "running": "en marcha", "idle": "en reposo", "paused": "en pausa",
  "last run": "última vez", "next look": "próxima vez", "runs": "veces", "What hogar check found": "Lo que halló hogar check",
  "Runs": "Ejecuciones", "It has not run yet.": "Todavía no se ejecutó.", "Started nothing": "No inició nada", "trigger": "disparador", "condition": "condición",
  "saw": "vio", "end": "fin", "{n} steps left out": "{n} pasos omitidos", "only when something happens": "solo cuando algo ocurre",
  "Filter: a name like kitchen.# or *.lamp": "Filtro: un nombre como kitchen.# o *.lamp", "pause": "pausa", "go on": "seguir", "readings": "lecturas", "commands": "órdenes",
  "states": "estados", "gateway": "pasarela", "Nothing yet.": "Nada aún.",
  "Waiting for RabbitMQ": "Esperan a RabbitMQ", "Oldest": "Más antiguo", "Accepted": "Aceptados", "Confirmed": "Confirmados", "a second": "por segundo", "Empty in": "Vacío en",
  "never, if it goes on so": "nunca, si sigue así", "What became of everything": "Qué fue de todo", "counted since {t}": "contado desde {t}",
  "class": "clase", "sampled": "medidos", "filtered": "filtrados", "refused": "rechazados", "accepted": "aceptados", "confirmed": "confirmados", "waiting": "en espera",
  "dropped": "descartados", "set aside": "apartados", "Set aside": "Apartados", "RabbitMQ refused these for their own sake.": "RabbitMQ los rechazó por sí mismos.",
  "key": "clave", "bytes": "bytes", "Waiting over time": "En espera a lo largo del tiempo",
  "The files as they are on the disk.": "Los archivos como están en el disco.", "No fault was found.": "No se hallaron errores.", "Read again": "Leer de nuevo",
  "The configuration was read again.": "La configuración se leyó de nuevo.", "warning": "aviso", "fault": "error", "line": "línea",
  "Log in": "Entrar", "Log out": "Salir", "User": "Usuario", "Password": "Contraseña", "This house asks who you are.": "Esta casa pregunta quién eres.",
  "Appearance": "Aspecto", "as the system": "como el sistema", "Light": "Claro", "Dark": "Oscuro", "Language": "Idioma", "Menu": "Menú",
  "version": "versión", "running since": "en marcha desde", "Skip to the content": "Ir al contenido", "no broker": "sin servidor", "full of {m}": "de {m}",
  "one rule is disabled": "una regla está desactivada", "loading …": "cargando …", "zoom in": "acercar", "zoom out": "alejar", "was set to {v}": "se fijó en {v}",
  "{n} of {m} on": "{n} de {m} encendidos", "not the same": "distintos", "Variables": "Variables", "variables": "variables", "vars": "variables",
  "events": "eventos", "reading": "lectura", "event": "evento", "status": "estado", "rule": "regla", "variable": "variable", "command": "orden",
  "control": "órdenes", "listen": "entradas", "poll": "sensores", "mqtt": "MQTT", "missed": "omitida", "started": "iniciada",
  "group": "grupo", "scene": "escena", "times are house time": "las horas son las de la casa", "done": "hecho", "failed": "fallido", "stopped": "detenida",
  "applied": "aplicada", "verified": "verificada", "rejected": "rechazada", "expired": "vencida", "superseded": "sustituida",
  // properties
  "temperature": "temperatura", "humidity": "humedad", "pressure": "presión", "illuminance": "iluminancia", "occupancy": "presencia", "state": "estado",
  "brightness": "brillo", "contact": "contacto", "battery": "batería", "voltage": "tensión", "current": "corriente", "power": "potencia", "energy": "energía",
  "level": "nivel", "distance": "distancia", "moisture": "humedad del suelo", "opening": "apertura", "action": "acción", "position": "posición", "co2": "CO₂",
};

/** lang is the language: chosen here, or the browser's. */
export const lang = () => localStorage.getItem("lang") || (navigator.language || "en").slice(0, 2);

/** t says words in that language, with {values} put in. */
export function t(words, values) {
  let s = lang() === "es" && es[words] || words;
  for (const k in values) s = s.replace(`{${k}}`, values[k]);
  return s;
}

/** human makes words of a name: night_lamp is Night lamp. */
export function human(name) {
  const s = t(name) !== name ? t(name) : name.replaceAll("_", " ");
  return s.charAt(0).toUpperCase() + s.slice(1);
}

/** span is a time that passed, in ms. */
export function span(ms, ago) {
  const s = Math.max(0, ms) / 1000, suffix = ago ? " ago" : "";
  if (ago && s < 1) return t("now");
  if (s < 90) return t("{n} s" + suffix, { n: Math.round(s) });
  if (s < 5400) return t("{n} min" + suffix, { n: Math.round(s / 60) });
  if (s < 172800) return t("{n} h" + suffix, { n: Math.round(s / 3600) });
  return t("{n} days" + suffix, { n: Math.round(s / 86400) });
}

/** figure shows a number with no more digits than it has. */
export const figure = (n) => n.toLocaleString(lang(), { maximumFractionDigits: 6 });

/** rounded shows a number with as many digits as people read at a glance. */
export const rounded = (n) => n.toLocaleString(lang(), { maximumFractionDigits: Math.abs(n) >= 1000 ? 0 : Math.abs(n) >= 100 ? 1 : 2 });

/** bytes shows a size. */
export function bytes(n) {
  for (const unit of ["B", "kB", "MB"]) {
    if (n < 1000) return `${figure(Math.round(n * 10) / 10)} ${unit}`;
    n /= 1000;
  }
  return `${figure(Math.round(n * 10) / 10)} GB`;
}

/** shown is a value as people read it. */
export function shown(value, unit) {
  if (value === null || value === undefined) return t("unknown");
  if (typeof value === "boolean") return t(value ? "on" : "off");
  if (typeof value === "number") return figure(value) + (unit ? " " + unit : "");
  if (typeof value === "object") return JSON.stringify(value);
  return value;
}

let zone;

/** setZone says where the house's clocks are. */
export function setZone(z) { zone = z || undefined; }

const formats = new Map();

/** clock shows a time of the house. */
export function clock(ms, style) {
  const key = lang() + style + zone;
  if (!formats.has(key)) {
    const o = { timeZone: zone };
    if (style === "minute") Object.assign(o, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    else if (style === "day") Object.assign(o, { day: "numeric", month: "short" });
    else if (style === "full") Object.assign(o, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    else Object.assign(o, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    formats.set(key, new Intl.DateTimeFormat(lang(), o));
  }
  return formats.get(key).format(ms);
}
