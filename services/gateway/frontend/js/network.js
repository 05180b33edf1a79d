// Without a network a form or a link would lead to the browser's own page, and what was typed would be gone: they are
// held back. A browser's word for it is not enough, for the server may run on this machine.
import { showToast } from "./announce.js";

const PATIENCE = 3000;
const passed = new WeakSet();

export async function reachable() {
  try {
    await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return true;
  } catch {
    return false;
  }
}

async function hold(event, element, again, words) {
  if (document.documentElement.dataset.connection !== "offline" || passed.delete(element)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await reachable())) return showToast(words);
  passed.add(element);
  again();
}

function onSubmit(event) {
  const { target, submitter } = event;
  hold(event, target, () => target.requestSubmit(submitter), "You are offline. This was not sent; try again when the connection is back.");
}

function onClick(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || link.hash && link.pathname === location.pathname) return;
  hold(event, link, () => link.click(), "You are offline. This cannot be opened before the connection is back.");
}

export function startNetwork() {
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("click", onClick, true);
}
