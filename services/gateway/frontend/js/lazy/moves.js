// One move: what was asked, what the server said, and the way back.
import htmx from "../htmx.js";
import { announce, showToast } from "../announce.js";
import { refresh } from "../live.js";

const origins = new WeakMap();

export const columnOf = (card) => card.closest("[data-cards]");
export const nameOf = (card) => card.querySelector(".card-link").textContent.trim();

export function placeOf(card) {
  return { column: columnOf(card), before: nextCard(card), after: previousCard(card) };
}

export function nextCard(card) {
  let next = card.nextElementSibling;
  while (next && !next.matches(".card")) next = next.nextElementSibling;
  return next;
}

export function previousCard(card) {
  let previous = card.previousElementSibling;
  while (previous && !previous.matches(".card")) previous = previous.previousElementSibling;
  return previous;
}

/** Puts a card before another one, or behind the last card of a column. */
export function putAt(card, column, before) {
  const end = column.querySelector(".load-more, .column-empty");
  if (before && before.parentElement === column) column.insertBefore(card, before);
  else column.insertBefore(card, end);
}

function takeBack(card, origin) {
  const link = card.querySelector(".card-link");
  const focused = document.activeElement === link || document.activeElement === document.body;
  putAt(card, origin.column, origin.before);
  card.classList.remove("is-pending", "is-asking");
  if (focused) link.focus({ preventScroll: true });
}

/** Sends the move of a card that already lies where it was put. */
export async function submitMove(card, origin, { stageId, lostReasonId = "", undo = false }) {
  const { deal, version } = card.dataset;
  const first = origins.get(card) ?? origin;
  const values = {
    stage_id: stageId,
    after_id: previousCard(card)?.dataset.deal ?? "",
    before_id: nextCard(card)?.dataset.deal ?? "",
    lost_reason_id: lostReasonId,
    etag: version,
    from_stage_id: first.column.dataset.cards,
    from_after_id: first.after?.dataset.deal ?? "",
  };
  if (undo) values.undo = "1";
  card.classList.add("is-pending");
  // The card may have left the page (a stage that is not shown), so the request starts at the board.
  const board = document.querySelector("[data-board]");
  let status = 0;
  const note = (event) => {
    if (event.detail.ctx.move === card) status = event.detail.ctx.response.status;
  };
  document.addEventListener("htmx:after:request", note);
  try {
    await htmx.ajax("POST", `/deals/${deal}/move`, {
      source: card.isConnected ? card : board,
      swap: "none",
      values,
      move: card,
      quiet: true,
    });
  } finally {
    document.removeEventListener("htmx:after:request", note);
  }
  if (status === 202) {
    origins.set(card, first);
    card.classList.replace("is-pending", "is-asking");
    return;
  }
  origins.delete(card);
  if (status >= 200 && status < 400) {
    document.getElementById(card.id)?.classList.remove("is-pending");
    refresh([{ kind: `panel:${deal}`, id: deal }]);
    return;
  }
  takeBack(card, first);
  announce(`${nameOf(card)} was not moved.`);
  if (status === 412 || status === 404) refresh([{ kind: "deal", id: deal }]);
  if (!status) showToast("No answer from the server. The card is back where it was.");
}

document.addEventListener("ff:return", ({ detail: { card } }) => {
  const origin = origins.get(card);
  if (!origin) return;
  origins.delete(card);
  takeBack(card, origin);
  announce(`${nameOf(card)} is back in its column.`);
});
