// Dragging. forceFallback gives every browser the same pointer path; on touch a hold drags and a swipe scrolls.
import Sortable from "sortablejs/modular/sortable.core.esm.js";
import { placeOf, submitMove } from "./moves.js";

const HOLD = 180;

let origin = null;

function markOver(list) {
  for (const other of document.querySelectorAll(".is-over")) other.classList.remove("is-over");
  list?.classList.add("is-over");
}

function onStart(event) {
  origin = placeOf(event.item);
  document.body.dataset.dragging = "";
}

function onEnd(event) {
  const card = event.item;
  markOver(null);
  delete document.body.dataset.dragging;
  const zone = card.closest("[data-drop]");
  if (zone) {
    const column = document.querySelector(`[data-cards="${CSS.escape(zone.dataset.drop)}"]`);
    if (column) column.prepend(card);
    else card.remove();
    return submitMove(card, origin, { stageId: zone.dataset.drop });
  }
  const place = placeOf(card);
  if (place.column === origin.column && place.before === origin.before) return;
  submitMove(card, origin, { stageId: place.column.dataset.cards });
}

/**
 * Sortable looks every 50 ms where the pointer is. A card that is let go in between, or before the
 * first look, would lie where the pointer was earlier: so it looks once more when the card drops.
 */
class LastLook {
  drop({ sortable, dragStarted, originalEvent: end }) {
    if (!dragStarted || !end || end.type === "pointercancel" || end.type === "touchcancel") return;
    if (!Sortable.active) sortable._dragStarted(true, end);
    if ("clientX" in end) sortable._onTouchMove(end);
    sortable._emulateDragOver();
  }
}
LastLook.pluginName = "lastLook";
Sortable.mount(LastLook);

function makeSortable(list, options = {}) {
  return Sortable.create(list, {
    group: "deals",
    draggable: ".card",
    filter: ".card-menu, .is-pending",
    preventOnFilter: false,
    forceFallback: true,
    fallbackOnBody: true,
    fallbackTolerance: 5,
    delay: HOLD,
    delayOnTouchOnly: true,
    touchStartThreshold: 5,
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    ghostClass: "is-ghost",
    dragClass: "is-drag",
    emptyInsertThreshold: 24,
    scroll: true,
    bubbleScroll: true,
    scrollSensitivity: 48,
    lastLook: true,
    onStart,
    onEnd,
    onMove: (event) => markOver(event.to.closest("[data-cards]")),
    ...options,
  });
}

export function startDragging(board) {
  if (board.dataset.writable === undefined) return;
  const lists = new WeakSet();
  const equip = () => {
    for (const list of board.querySelectorAll("[data-cards]")) {
      if (!lists.has(list)) lists.add(makeSortable(list).el);
    }
  };
  equip();
  for (const zone of document.querySelectorAll("[data-drop]")) makeSortable(zone, { sort: false, animation: 0 });
  document.addEventListener("htmx:after:settle", equip);
  // The click that ends a drag must not open the card.
  board.addEventListener("click", (event) => document.body.dataset.dragging !== undefined && event.preventDefault(), true);
}
