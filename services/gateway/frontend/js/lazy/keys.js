// Moving through the board and moving cards by keys: one tab stop, arrows roam, Space lifts and drops, Escape returns.
import { announce } from "../announce.js";
import { columnOf, nameOf, nextCard, placeOf, previousCard, putAt, submitMove } from "./moves.js";

let board;
let lifted = null;
let introduced = false;

const cardsOf = (column) => [...column.querySelectorAll(".card")];
const columns = () => [...board.querySelectorAll("[data-cards]")];
const linkOf = (card) => card.querySelector(".card-link");

function makeTabStop(card) {
  for (const link of board.querySelectorAll(".card a")) link.tabIndex = -1;
  if (card) linkOf(card).tabIndex = 0;
}

function keepTabStop() {
  const current = board.querySelector(".card-link[tabindex='0']");
  makeTabStop(document.activeElement?.closest?.(".card") ?? current?.closest(".card") ?? board.querySelector(".card"));
}

function focusCard(card) {
  if (!card) return;
  makeTabStop(card);
  linkOf(card).focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function position(card) {
  const column = columnOf(card);
  const cards = cardsOf(column);
  return `${column.dataset.name}, position ${cards.indexOf(card) + 1} of ${cards.length}`;
}

function neighbourColumn(card, step) {
  const all = columns();
  const direction = document.dir === "rtl" ? -step : step;
  return all[all.indexOf(columnOf(card)) + direction];
}

function roam(card, key) {
  if (key === "ArrowDown") return nextCard(card);
  if (key === "ArrowUp") return previousCard(card);
  if (key === "Home") return cardsOf(columnOf(card))[0];
  if (key === "End") return cardsOf(columnOf(card)).at(-1);
  const index = cardsOf(columnOf(card)).indexOf(card);
  const step = key === "ArrowRight" ? 1 : -1;
  for (let column = neighbourColumn(card, step), all = columns(); column; column = all[all.indexOf(column) + step]) {
    const cards = cardsOf(column);
    if (cards.length) return cards[Math.min(index, cards.length - 1)];
  }
  return null;
}

function carry(card, key) {
  if (key === "ArrowDown") {
    const next = nextCard(card);
    if (next) next.after(card);
  } else if (key === "ArrowUp") {
    previousCard(card)?.before(card);
  } else {
    const index = cardsOf(columnOf(card)).indexOf(card);
    const column = neighbourColumn(card, key === "ArrowRight" ? 1 : -1);
    if (column) putAt(card, column, cardsOf(column)[index]);
  }
  focusCard(card);
  announce(position(card));
}

function lift(card) {
  lifted = { card, origin: placeOf(card) };
  card.classList.add("is-lifted");
  announce(`${nameOf(card)} lifted. ${position(card)}. Arrow keys move it, Space drops it, Escape puts it back.`);
}

function drop() {
  const { card, origin } = lifted;
  letGo();
  const place = placeOf(card);
  if (place.column === origin.column && place.before === origin.before) return announce(`${nameOf(card)} stays.`);
  announce(`${nameOf(card)} dropped. ${position(card)}.`);
  submitMove(card, origin, { stageId: place.column.dataset.cards });
}

function putBack() {
  const { card, origin } = lifted;
  letGo();
  putAt(card, origin.column, origin.before);
  focusCard(card);
  announce(`${nameOf(card)} is back. ${position(card)}.`);
}

function letGo() {
  lifted.card.classList.remove("is-lifted");
  lifted = null;
}

function onKey(event) {
  const card = event.target.closest(".card");
  if (!card || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const { key } = event;
  if (key === " ") {
    event.preventDefault();
    if (lifted) drop();
    else if (board.dataset.writable !== undefined && !card.classList.contains("is-pending")) lift(card);
  } else if (lifted && key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    putBack();
  } else if (lifted && key === "Enter") {
    event.preventDefault();
    drop();
  } else if (/^Arrow/.test(key) || (!lifted && (key === "Home" || key === "End"))) {
    event.preventDefault();
    if (lifted) carry(card, key);
    else focusCard(roam(card, key));
  }
}

export function startKeys(element) {
  board = element;
  keepTabStop();
  board.addEventListener("keydown", onKey);
  board.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (!card) return;
    makeTabStop(card);
    if (!introduced && board.dataset.writable !== undefined) announce(board.dataset.help);
    introduced = true;
  });
  // Focus that leaves a lifted card (a click elsewhere) puts the card back: nothing moves unseen.
  board.addEventListener("focusout", (event) => {
    if (lifted && event.relatedTarget && !lifted.card.contains(event.relatedTarget)) putBack();
  });
  document.addEventListener("htmx:after:settle", keepTabStop);
}
