// What all requests of htmx share: who asks, that something is under way, and that the network may be gone.
import { showToast } from "./announce.js";

const SHOW_BUSY_AFTER = 150;
const WORDS = {
  read: {
    silent: "No answer from the server. Try again in a moment.",
    offline: "You are offline. Try again when the connection is back.",
  },
  write: {
    silent: "No answer from the server. Look whether it was saved, then try again.",
    offline: "You are offline. This was not saved; try again when the connection is back.",
  },
};

export const clientId = crypto.randomUUID?.() ?? String(Math.random()).slice(2);

function isStream(element) {
  return element.matches?.("[data-live]");
}

export function startRequests() {
  let pending = 0;
  let timer = null;

  document.addEventListener("htmx:config:request", (event) => {
    event.detail.ctx.request.headers["X-Client-Id"] = clientId;
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (isStream(event.target) || event.detail.ctx.quiet) return;
    event.detail.ctx.counted = true;
    pending += 1;
    timer ??= setTimeout(() => (document.documentElement.dataset.busy = ""), SHOW_BUSY_AFTER);
  });
  document.addEventListener("htmx:finally:request", (event) => {
    if (!event.detail.ctx.counted) return;
    pending -= 1;
    if (pending > 0) return;
    clearTimeout(timer);
    timer = null;
    delete document.documentElement.dataset.busy;
  });
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status === 401) document.dispatchEvent(new CustomEvent("ff:signed-out"));
  });
  document.addEventListener("htmx:error", (event) => {
    const { ctx } = event.detail;
    if (!ctx || ctx.quiet || isStream(event.target)) return;
    const asked = ctx.request?.method === "GET" ? "read" : "write";
    showToast(WORDS[asked][navigator.onLine ? "silent" : "offline"]);
  });
}
