// A button beside a secret that is shown once; it is hidden where nothing can be copied.
import { announce } from "./announce.js";

export function startCopying() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      await navigator.clipboard.writeText(field.value);
      button.querySelector("span").textContent = "Copied";
      announce("Copied.");
    });
  }
}
