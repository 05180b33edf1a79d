// The panel at the side and the dialog in the middle. Both hold what their link's own page would show.
import htmx from "./htmx.js";

// Requests of one source wait for one another; without a source of its own, one of these would come to nothing while a
// message is being fetched.
let opener = null;

function plainClick(event) {
  return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
}

function withDeal(id) {
  const url = new URL(location.href);
  if (id) url.searchParams.set("deal", id);
  else url.searchParams.delete("deal");
  return url.pathname + url.search;
}

async function fillPanel(href) {
  const panel = document.getElementById("panel");
  await htmx.ajax("GET", href, { source: panel, target: panel, swap: "innerHTML" });
  panel.querySelector("[data-panel-title]")?.focus({ preventScroll: true });
}

function emptyPanel() {
  const panel = document.getElementById("panel");
  if (!panel.firstElementChild) return;
  panel.replaceChildren();
  (document.getElementById(opener) ?? document.querySelector("[data-board] [tabindex='0']"))?.focus();
}

export function openPanel(link) {
  opener = link.id;
  history.pushState({ panel: true }, "", withDeal(link.dataset.panel));
  return fillPanel(link.href);
}

export function closePanel() {
  if (history.state?.panel) return history.back();
  history.replaceState(null, "", withDeal(null));
  emptyPanel();
}

// An open dialog lies upon all else, and nothing outside of it can be clicked or is read out: what is said goes along.
function sayIn(place) {
  place.append(document.getElementById("toasts"), document.getElementById("announcer"));
}

export async function openDialog(href) {
  const dialog = document.getElementById("dialog");
  sayIn(document.body);
  await htmx.ajax("GET", href, { source: dialog, target: dialog, swap: "innerHTML" });
  if (dialog.firstElementChild && !dialog.open) dialog.showModal();
  if (dialog.open) sayIn(dialog);
  const palette = dialog.querySelector("[data-palette]");
  if (palette) import("./lazy/palette.js").then(({ startPalette }) => startPalette(palette));
}

export function closeDialog() {
  document.getElementById("dialog").close();
}

function onClick(event) {
  if (!plainClick(event)) return;
  const link = event.target.closest("a[data-panel], a[data-dialog], [data-close]");
  if (!link) return;
  if (link.dataset.close) {
    // On a page of its own the link leads where it says.
    if (!document.getElementById(link.dataset.close)?.contains(link)) return;
    event.preventDefault();
    if (link.dataset.close === "panel") closePanel();
    else closeDialog();
  } else if (link.hasAttribute("data-dialog")) {
    event.preventDefault();
    openDialog(link.href);
  } else if (document.getElementById("panel")) {
    event.preventDefault();
    openPanel(link);
  }
}

export function startOverlays() {
  const dialog = document.getElementById("dialog");
  document.addEventListener("click", onClick);
  // A click beside the dialog closes it, unless that would throw away what was typed. Whoever selects a text and lets go
  // beside it did not click there.
  let pressed = null;
  let typed = false;
  dialog.addEventListener("pointerdown", ({ target }) => (pressed = target));
  dialog.addEventListener("input", ({ target }) => (typed ||= target.form?.method === "post"));
  dialog.addEventListener("click", ({ target }) => target === dialog && pressed === dialog && !typed && dialog.close());
  dialog.addEventListener("close", () => {
    typed = false;
    sayIn(document.body);
    dialog.replaceChildren();
  });
  // What was asked for in a menu is on its way.
  document.addEventListener("submit", (event) => event.target.closest("[popover]:popover-open")?.hidePopover());
  document.addEventListener("ff:open", ({ detail }) => openDialog(detail.href));
  document.addEventListener("ff:saved", () => dialog.open && dialog.close());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || dialog.open || document.querySelector(".is-lifted")) return;
    if (document.getElementById("panel")?.firstElementChild) closePanel();
  });
  window.addEventListener("popstate", () => {
    const panel = document.getElementById("panel");
    if (!panel) return;
    const id = new URL(location.href).searchParams.get("deal");
    if (id) fillPanel(`/deals/${encodeURIComponent(id)}`);
    else emptyPanel();
  });
}
