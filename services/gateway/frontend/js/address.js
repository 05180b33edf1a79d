// Controls that change a part of the page keep what they say in the address, so that reload, Back and a copied link show
// the same. htmx's own history is off: it would fight with the panel's.

let shown = "";

// The names that stand in fields of filters; the address keeps the ids beside them.
export const NAMES = ["owner_name", "client_name"];

function here() {
  return location.pathname + location.search;
}

function onChange(event) {
  const form = event.target.closest?.("form[data-address]");
  if (!form) return;
  const said = [...new FormData(form)].filter(([name, value]) => value !== "" && !NAMES.includes(name));
  const query = new URLSearchParams(said).toString();
  shown = new URL(form.action).pathname + (query ? `?${query}` : "");
  if (shown !== here()) history.pushState(null, "", shown);
}

export function startAddress() {
  shown = here();
  document.addEventListener("change", onChange);
  window.addEventListener("popstate", () => {
    if (document.querySelector("form[data-address]") && here() !== shown) location.reload();
  });
}
