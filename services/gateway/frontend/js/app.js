// Entry of every page behind the sign-in. The board's controller is loaded only where there is a board.
import "./htmx.js";
import { startAddress } from "./address.js";
import { startCharts } from "./charts.js";
import { startAlpine } from "./components.js";
import { startCopying } from "./copying.js";
import { refresh, startLive } from "./live.js";
import { startNetwork } from "./network.js";
import { startOverlays } from "./overlays.js";
import { startRequests } from "./requests.js";
import { startRevealing } from "./revealing.js";
import { startShortcuts } from "./shortcuts.js";

startNetwork();
startRequests();
startOverlays();
startShortcuts();
startAlpine();
startCharts();
startAddress();
startCopying();
startRevealing();
startLive();

// A form in the dialog was saved: what shows the thing fetches itself again.
document.addEventListener("ff:saved", ({ detail: { kind, id } }) => refresh([{ kind, id }]));

// Of many tabs on a phone, the one of this page is in sight.
for (const tab of document.querySelectorAll(".tabs-bar [aria-current]")) {
  const bar = tab.parentElement;
  bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
}

const palette = document.querySelector("main [data-palette]");
if (palette) import("./lazy/palette.js").then(({ startPalette }) => startPalette(palette));

const board = document.querySelector("[data-board]");
if (board) import("./lazy/board.js").then(({ startBoard }) => startBoard(board));
