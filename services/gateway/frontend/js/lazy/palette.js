// Arrow keys go from the field into what was found, and back.
export function startPalette(element) {
  const links = () => [...element.querySelectorAll("[data-palette-results] a")];
  element.addEventListener("keydown", (event) => {
    const field = element.querySelector("[data-palette-input]");
    const all = links();
    if (event.key === "Enter" && event.target === field && all.length) {
      event.preventDefault();
      all[0].click();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const next = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (all[Math.min(next, all.length - 1)] ?? field).focus();
  });
}
