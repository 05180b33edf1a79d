// Arrow keys go from the field into what was found, and back. Enter goes to the first of what is found by all that is typed:
// whoever types faster than the answer comes is not led to what an earlier word found.
export function startPalette(element) {
  const links = () => [...element.querySelectorAll("[data-palette-results] a")];
  const field = element.querySelector("[data-palette-input]");
  const answered = () => element.querySelector("[data-palette-results]").dataset.text === field.value.trim();
  const stopWaiting = () => document.removeEventListener("htmx:after:swap", go);
  function go() {
    if (element.isConnected && !answered()) return;
    stopWaiting();
    if (element.isConnected) links()[0]?.click();
  }
  element.addEventListener("input", stopWaiting);
  element.addEventListener("keydown", (event) => {
    const all = links();
    if (event.key === "Enter" && event.target === field) {
      event.preventDefault();
      if (answered()) return go();
      document.addEventListener("htmx:after:swap", go);
      field.form.requestSubmit();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const next = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (all[Math.min(next, all.length - 1)] ?? field).focus();
  });
}
