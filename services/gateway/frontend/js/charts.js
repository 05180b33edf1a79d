// Reads charts that the server has drawn: the pointer and the arrow keys move over the months, the words of the month
// stand in the line below, which is a live region. Without it each month still has its words as a tooltip.

const STEP = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12 };

function shownMonths(frame) {
  const sheets = [...frame.querySelectorAll("svg")];
  const sheet = sheets.find((svg) => svg.getClientRects().length) ?? sheets[0];
  return [...sheet.querySelectorAll(".chart-month")];
}

function read(frame, month) {
  for (const other of frame.querySelectorAll(".is-read")) other.classList.remove("is-read");
  month.classList.add("is-read");
  frame.querySelector("[data-readout]").textContent = month.querySelector("title").textContent;
}

function onKey(event) {
  const frame = event.target.closest?.("[data-chart]");
  if (!frame || event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
  const months = shownMonths(frame);
  const here = months.findIndex((month) => month.classList.contains("is-read"));
  let next = null;
  if (event.key in STEP) next = (here < 0 ? months.length - 1 : here) + (here < 0 ? 0 : STEP[event.key]);
  if (event.key === "Home") next = 0;
  if (event.key === "End") next = months.length - 1;
  if (next === null || !months.length) return;
  event.preventDefault();
  read(frame, months[Math.min(Math.max(next, 0), months.length - 1)]);
}

function onPointer(event) {
  const month = event.target.closest?.(".chart-month");
  const frame = month?.closest("[data-chart]");
  if (frame && !month.classList.contains("is-read")) read(frame, month);
}

export function startCharts() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("pointerover", onPointer);
}
