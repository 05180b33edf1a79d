// The live connection. The server says what has changed (ids and versions); the page asks again for what it shows.
import htmx from "./htmx.js";
import { announce } from "./announce.js";
import { reachable } from "./network.js";
import { clientId } from "./requests.js";

const COALESCE = 250;
const BURST = 20;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 30000;

let stream;
let failures = 0;
let retry = null;
let recent = [];
let flush = null;
const waiting = new Map();
// What a person waits for is said in the window that is open; the rest waits in the inbox.
const WAITED_FOR = [
  "export_finished", "export_failed", "import_finished", "import_failed", "activity_due",
];

const WORDS = {
  offline: "You are offline. Changes are not saved until the connection is back.",
  signedOut: "Your session is over. Please sign in again.",
};

function show(state) {
  if (document.documentElement.dataset.connection === state) return;
  document.documentElement.dataset.connection = state;
  if (WORDS[state]) announce(WORDS[state]);
  for (const element of document.querySelectorAll(".connection")) {
    element.dataset.state = state;
    element.firstElementChild.textContent = element.dataset[`word${state[0].toUpperCase()}${state.slice(1)}`];
  }
}

function connect() {
  clearTimeout(retry);
  retry = null;
  if (!stream.isConnected || stream._htmx?.sse) return;
  htmx.ajax("GET", stream.getAttribute("hx-sse:connect"), { source: stream, swap: "none", timeout: 10000, quiet: true });
}

function connectLater() {
  show(navigator.onLine ? "reconnecting" : "offline");
  if (retry || document.hidden) return;
  const delay = Math.min(FIRST_RETRY * 2 ** failures, LONGEST_RETRY) * (0.7 + Math.random() * 0.6);
  failures += 1;
  retry = setTimeout(connect, delay);
}

function isOwn({ kind, id, version, client }) {
  if (client && client === clientId) return true;
  if (kind !== "deal" || !version) return false;
  const shown = document.querySelectorAll(`[data-deal="${CSS.escape(id)}"]`);
  return shown.length > 0 && [...shown].every((element) => Number(element.dataset.version) >= version);
}

function matches(element, changes) {
  const topics = element.dataset.refresh.split(" ");
  return changes === "all" || changes.some(({ kind, id }) => topics.includes(kind) || topics.includes(`${kind}:${id}`));
}

/** Lets every part of the page that shows one of the changed things fetch itself again. */
export function refresh(changes) {
  for (const element of document.querySelectorAll("[data-refresh]")) {
    if (matches(element, changes)) fetchAnew(element);
  }
}

function fetchAnew(element) {
  const ask = new CustomEvent("ff:refresh", { bubbles: true, cancelable: true, detail: { url: element.dataset.refreshUrl } });
  if (!element.dispatchEvent(ask)) return;
  htmx.ajax("GET", ask.detail.url, {
    source: element,
    target: element,
    swap: "outerMorph",
    headers: { "X-Refresh": "true" },
    quiet: true,
    anew: element,
  });
}

/** While a card is in somebody's hand, nothing may put it back where the server knows it. */
const isHeld = () => document.querySelector(".is-pending, .is-lifted, [data-dragging]") !== null;

function fetchOnceLetGo(element) {
  if (isHeld()) setTimeout(fetchOnceLetGo, COALESCE, element);
  else if (element.isConnected) fetchAnew(element);
}

function showBanner() {
  const banner = document.getElementById("updates");
  banner.querySelector("[data-count]").textContent = waiting.size;
  if (banner.hidden) announce("Many changes have come in. Refresh to see them.");
  banner.hidden = false;
}

function deliver() {
  flush = null;
  if (isHeld()) {
    flush = setTimeout(deliver, COALESCE);
    return;
  }
  const changes = [...waiting.values()].filter((change) => !isOwn(change));
  waiting.clear();
  if (changes.length) refresh(changes);
}

function receive({ event, data }) {
  if (event === "reset") return refreshAll();
  const [kind] = event.split(".");
  let body;
  try {
    body = JSON.parse(data);
  } catch {
    return;
  }
  if (WAITED_FOR.includes(body.about)) htmx.ajax("GET", `/notifications/${body.id}/notice`, { source: "#toasts", swap: "none", quiet: true });
  waiting.set(`${kind}:${body.id}`, { kind, id: body.id, version: body.version, client: body.client });
  const now = Date.now();
  recent = [...recent.filter((time) => now - time < 1000), now];
  if (recent.length > BURST || !document.getElementById("updates").hidden) {
    clearTimeout(flush);
    flush = null;
    showBanner();
  } else {
    flush ??= setTimeout(deliver, COALESCE);
  }
}

function refreshAll() {
  waiting.clear();
  document.getElementById("updates").hidden = true;
  refresh("all");
}

export function startLive() {
  stream = document.querySelector("[data-live]");
  if (!stream) return;
  stream.addEventListener("htmx:sse:after:connection", () => {
    failures = 0;
    show("live");
  });
  stream.addEventListener("htmx:sse:before:message", (event) => receive(event.detail.message));
  stream.addEventListener("htmx:sse:error", ({ detail }) => {
    if (detail.status === 401) document.dispatchEvent(new CustomEvent("ff:signed-out"));
    else show(navigator.onLine ? "reconnecting" : "offline");
  });
  stream.addEventListener("htmx:sse:close", (event) => {
    if (event.detail.reason === "ended") connectLater();
  });
  stream.addEventListener("htmx:error", connectLater);
  stream.addEventListener("htmx:response:error", (event) => {
    // A session that is over stays over: asking again would not help.
    if (event.detail.ctx.response.status !== 401) connectLater();
  });
  // What was asked for before a card was taken up and is answered after it.
  document.addEventListener("htmx:before:swap", (event) => {
    const { anew } = event.detail.ctx;
    if (!anew || !isHeld()) return;
    event.preventDefault();
    fetchOnceLetGo(anew);
  });
  document.addEventListener("ff:signed-out", () => show("signedOut"));
  document.addEventListener("visibilitychange", () => !document.hidden && connect());
  // A stream from before may look alive and be dead, so it is begun anew (and asks for what it missed).
  window.addEventListener("online", () => {
    show("reconnecting");
    const { reader } = stream._htmx?.sse ?? {};
    if (reader) reader.cancel();
    else connect();
  });
  window.addEventListener("offline", async () => (await reachable()) || show("offline"));
  // Without this the browser's own abort would be logged as an error.
  window.addEventListener("pagehide", () => stream._htmx?.sse?.abortController?.abort());
  window.addEventListener("pageshow", (event) => event.persisted && connect());
  document.addEventListener("click", (event) => event.target.closest("[data-refresh-all]") && refreshAll());
}
