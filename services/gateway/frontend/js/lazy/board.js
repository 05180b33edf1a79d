// The board: three ways to move a card (drag, keys, the menu's form) that end in one request.
import { NAMES } from "../address.js";
import { announce } from "../announce.js";
import { closeDialog, openDialog, openPanel } from "../overlays.js";
import { startDragging } from "./drag.js";
import { startKeys } from "./keys.js";
import { columnOf, placeOf, putAt, submitMove } from "./moves.js";

const LARGEST_COLUMN = 200;

function columnOfStage(stageId) {
  return document.querySelector(`[data-cards="${CSS.escape(stageId)}"]`);
}

/** Moves a card to the top of a stage, as the menu's form and the keys W and L ask. */
export function moveToStage(card, stageId, lostReasonId = "") {
  const origin = placeOf(card);
  const column = columnOfStage(stageId);
  if (column === origin.column) return;
  if (column) column.prepend(card);
  else card.remove();
  return submitMove(card, origin, { stageId, lostReasonId });
}

// Whoever works by keys goes on from the card: one that is put elsewhere loses the focus.
function closeBy(card, type) {
  moveToStage(card, document.querySelector(`[data-stage-type="${type}"]`)?.dataset.stage);
  card.querySelector(".card-link").focus({ preventScroll: true });
}

function onSubmit(event) {
  const form = event.target.closest("form[data-move]");
  if (!form) return;
  const card = document.getElementById(`card-${form.dataset.move}`);
  if (!card) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const data = new FormData(form, event.submitter);
  if (form.closest("dialog")) closeDialog();
  form.closest(".toast")?.remove();
  if (data.has("undo")) undo(card, data);
  else if (form.hasAttribute("data-asks")) answer(card, data);
  else moveToStage(card, data.get("stage_id"), data.get("lost_reason_id") ?? "");
  card.querySelector(".card-link").focus({ preventScroll: true });
}

// The card lies where it was dropped, unless a refresh has put it back in the meantime.
function answer(card, data) {
  const column = columnOfStage(data.get("stage_id"));
  if (column && columnOf(card) !== column) column.prepend(card);
  card.classList.remove("is-asking");
  return submitMove(card, placeOf(card), { stageId: data.get("stage_id"), lostReasonId: data.get("lost_reason_id") });
}

function undo(card, data) {
  const origin = placeOf(card);
  const column = columnOfStage(data.get("stage_id"));
  const after = document.getElementById(`card-${data.get("after_id")}`);
  if (column) putAt(card, column, after?.parentElement === column ? after.nextElementSibling : column.querySelector(".card"));
  return submitMove(card, origin, {
    stageId: data.get("stage_id"),
    lostReasonId: data.get("lost_reason_id") ?? "",
    undo: true,
  });
}

function onCardKey(event) {
  const card = event.target.closest(".card");
  if (!card || event.ctrlKey || event.metaKey || event.altKey || card.classList.contains("is-lifted")) return;
  if (document.documentElement.dataset.shortcuts === "off") return;
  if (card.closest("[data-board]").dataset.writable === undefined) return;
  const act = {
    m: () => openDialog(card.querySelector(".card-menu").href),
    e: () => openDialog(`/deals/${card.dataset.deal}/edit`),
    w: () => closeBy(card, "won"),
    l: () => closeBy(card, "lost"),
  }[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

// A refresh shows as many cards as are shown now, and lets changed ones flash once.
function onRefresh(event) {
  const board = event.target;
  if (!board.matches("[data-board]")) return;
  const shown = Math.max(...[...board.querySelectorAll("[data-cards]")].map((list) => list.querySelectorAll(".card").length));
  const url = new URL(event.detail.url, location.href);
  url.search = location.search;
  url.searchParams.delete("deal");
  url.searchParams.set("cards", Math.min(shown, LARGEST_COLUMN));
  event.detail.url = url.pathname + url.search;
  const before = new Map([...board.querySelectorAll(".card")].map((card) => [card.id, card.dataset.version]));
  document.addEventListener("htmx:after:swap", function flash(swapped) {
    if (swapped.detail.ctx.request?.action !== event.detail.url) return;
    document.removeEventListener("htmx:after:swap", flash);
    for (const card of document.querySelectorAll("[data-board] .card")) {
      if (before.get(card.id) === card.dataset.version) continue;
      card.classList.add("is-changed");
      card.addEventListener("animationend", () => card.classList.remove("is-changed"), { once: true });
    }
  });
}

function startSearch() {
  // The address keeps what is searched for, so that Back, bookmarks and shared links work.
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    if (!ctx?.sourceElement?.matches?.("[data-filters]")) return;
    const url = new URL(ctx.request.action, location.href);
    for (const [name, value] of [...url.searchParams]) if (!value || NAMES.includes(name)) url.searchParams.delete(name);
    history.replaceState(history.state, "", url.pathname + url.search);
    const count = document.querySelectorAll("[data-board] .card").length;
    announce(count === 1 ? "1 card shown" : `${count} cards shown`);
  });
}

function startStageChips(board) {
  const chips = document.querySelectorAll("[data-chip]");
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const chip of chips) {
          if (chip.dataset.chip === entry.target.dataset.stage) chip.setAttribute("aria-current", "true");
          else chip.removeAttribute("aria-current");
        }
      }
    },
    { root: board, threshold: 0.6 },
  );
  for (const column of board.querySelectorAll(".column")) observer.observe(column);
}

export function startBoard(board) {
  startDragging(board);
  startKeys(board);
  startSearch();
  startStageChips(board);
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("keydown", onCardKey);
  document.addEventListener("ff:refresh", onRefresh);
  document.addEventListener("ff:open", (event) => openPanel(event.target));
  document.addEventListener("ff:dismiss", (event) => {
    // Dismissing the question for a reason means that the deal was not lost.
    const form = event.target.querySelector?.("form[data-asks]");
    const card = form && document.getElementById(`card-${form.dataset.move}`);
    if (card) document.dispatchEvent(new CustomEvent("ff:return", { detail: { card } }));
  });
  board.dataset.ready = "";
}

