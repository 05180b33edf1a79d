// Entry of sign-in and registration: the pages work without it.
import { startRevealing } from "./revealing.js";

startRevealing();

// Where the days of a new workspace begin; without scripts, in UTC until the settings say otherwise.
const zone = document.querySelector("input[name=time_zone]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") event.preventDefault();
    form.ariaBusy = "true";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) form.ariaBusy = null;
});
