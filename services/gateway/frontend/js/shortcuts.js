// Keys of the whole application. Single keys can be switched off and never work inside fields (WCAG 2.1.4).
import { openDialog } from "./overlays.js";

const GO = { t: "/", p: "/pipeline", f: "/analytics", c: "/clients", a: "/activities", n: "/notifications", s: "/settings" };
let going = 0;

function typing(target) {
  return target.closest("input, select, textarea, [contenteditable]") || document.getElementById("dialog").open;
}

// Where the page has the link, it knows more: what the new thing belongs to. Over a form with the same field nothing
// opens: no two fields have one id.
function clickOr(link, href, field) {
  const there = document.querySelector(link);
  if (there) there.click();
  else if (!document.getElementById(field)) openDialog(href);
}

function addActivity() {
  const line = document.querySelector("[data-quick-add]");
  if (line) line.focus();
  else clickOr("[data-new-activity]", "/activities/new", "subject");
}

function search() {
  const field = document.querySelector("[data-search]");
  if (field) field.focus();
  else openDialog("/search");
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing(event.target)) {
    const undo = [...document.querySelectorAll("#toasts [data-undo]")].at(-1);
    if (undo) {
      event.preventDefault();
      undo.click();
    }
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "k" && !document.getElementById("dialog").open) {
    event.preventDefault();
    openDialog("/search");
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.documentElement.dataset.shortcuts === "off") return;
  const went = Date.now() - going < 1200;
  going = 0;
  if (went && GO[event.key]) return location.assign(GO[event.key]);
  const act = {
    g: () => (going = Date.now()),
    c: () => clickOr("[data-new-deal]", "/deals/new", "name"),
    a: addActivity,
    "/": search,
    "?": () => openDialog("/help/keys"),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

export function startShortcuts() {
  document.addEventListener("keydown", onKey);
}
