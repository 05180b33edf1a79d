// A field in which one of many is chosen (WAI-ARIA combobox with a list that follows what is typed). The focus stays in the
// field; arrows move through the list, Enter or Tab takes what is marked, Escape closes. Without it the field is a plain one.
import htmx from "../htmx.js";
import { announce } from "../announce.js";

const WAIT = 150;
const GAP = 4;
const MOST = 264; // pixels: six choices and a half, so that one sees there are more

export function startCombobox(root) {
  const input = root.querySelector("[data-combobox]");
  const id = root.querySelector("input[type=hidden]");
  const popup = root.querySelector("[popover]");
  const list = popup.querySelector("[role=listbox]");
  const note = popup.querySelector("p");
  let timer = null;
  let asked = null; // what the list answers; null when it answers nothing
  let question = null; // on its way

  const options = () => [...list.children];
  const marked = () => options().find((option) => option.ariaSelected === "true");
  const isOpen = () => popup.matches(":popover-open");

  function mark(option) {
    for (const other of options()) other.ariaSelected = String(other === option);
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function place() {
    const field = input.getBoundingClientRect();
    const below = window.innerHeight - field.bottom;
    popup.style.width = `${field.width}px`;
    popup.style.left = `${field.left}px`;
    popup.style.maxHeight = `${Math.min(MOST, Math.max(below, field.top) - 3 * GAP)}px`;
    const height = popup.offsetHeight;
    const above = below < height + 2 * GAP && field.top > below;
    popup.style.top = `${above ? field.top - height - GAP : field.bottom + GAP}px`;
  }

  function open() {
    if (!isOpen()) popup.showPopover();
    input.ariaExpanded = "true";
    place();
  }

  function close() {
    clearTimeout(timer);
    if (isOpen()) popup.hidePopover();
    input.ariaExpanded = "false";
    mark(null);
  }

  function fetchOptions(text) {
    const query = new URLSearchParams({ q: text, not: input.dataset.but ?? "" });
    return htmx.ajax("GET", `${input.dataset.combobox}?${query}`, { source: input, target: list, swap: "innerHTML", quiet: true });
  }

  async function ask() {
    const text = input.value.trim();
    if (text !== asked) {
      // A second arrow key waits for the answer to the first: another list would drop what is marked.
      if (question?.text !== text) question = { text, answer: fetchOptions(text) };
      const mine = question;
      await mine.answer.finally(() => (question = question === mine ? null : question));
      if (text !== input.value.trim()) return; // a newer question is on its way
      asked = text;
      options().forEach((option, number) => (option.id = `${list.id}-${number}`));
    }
    if (document.activeElement !== input) return;
    const count = options().length;
    list.hidden = count === 0;
    note.hidden = count > 0;
    open();
    announce(count ? `${count} found. Use the arrow keys.` : note.textContent);
  }

  function choose(option) {
    input.value = option.dataset.name;
    id.value = option.dataset.id;
    asked = null;
    for (const radio of root.querySelectorAll("input[type=radio]")) radio.checked = false;
    close();
    // The form knows now that something has changed; the list need not be asked again.
    input.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "chosen" }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async function step(by) {
    if (!isOpen()) await ask();
    const all = options();
    if (!all.length) return;
    const here = all.indexOf(marked());
    mark(all[here < 0 ? (by > 0 ? 0 : all.length - 1) : (here + by + all.length) % all.length]);
  }

  function onKey(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (event.altKey && event.key === "ArrowUp") close();
      else if (event.altKey) ask();
      else step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && isOpen() && marked()) {
      event.preventDefault();
      choose(marked());
    } else if (event.key === "Tab" && isOpen() && marked()) {
      choose(marked());
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  }

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.ariaExpanded = "false";
  input.addEventListener("keydown", onKey);
  input.addEventListener("input", (event) => {
    if (event.detail === "chosen") return;
    id.value = "";
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("click", () => !isOpen() && ask());
  input.addEventListener("blur", close);
  // The field keeps the focus while somebody points at the list.
  popup.addEventListener("pointerdown", (event) => event.preventDefault());
  popup.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  const follow = () => isOpen() && place();
  document.addEventListener("scroll", follow, { capture: true, passive: true });
  window.addEventListener("resize", follow);
  return () => {
    document.removeEventListener("scroll", follow, { capture: true });
    window.removeEventListener("resize", follow);
  };
}
