// Local state of single elements. Anything that the server must know goes through a form instead.
import Alpine from "@alpinejs/csp";

const MOST_TOASTS = 3;

function toast() {
  return {
    timer: null,
    init() {
      const list = this.$root.parentElement;
      while (list.id === "toasts" && list.childElementCount > MOST_TOASTS) list.firstElementChild.remove();
      this.resume();
    },
    resume() {
      const timeout = Number(this.$root.dataset.timeout);
      if (timeout && !this.timer) this.timer = setTimeout(() => this.close(), timeout);
    },
    pause() {
      clearTimeout(this.timer);
      this.timer = null;
    },
    close() {
      this.pause();
      this.$root.dispatchEvent(new CustomEvent("ff:dismiss", { bubbles: true }));
      this.$root.remove();
    },
    destroy() {
      this.pause();
    },
  };
}

// Shows the chosen theme or density at once; the form then makes it last.
function appearance() {
  return {
    preview(event) {
      document.documentElement.dataset[event.target.name] = event.target.value;
    },
  };
}

function editForm() {
  return {
    dirty: false,
    init() {
      this.warn = (event) => {
        if (this.dirty && this.$root.isConnected) event.preventDefault();
      };
      window.addEventListener("beforeunload", this.warn);
    },
    touch() {
      this.dirty = true;
    },
    saved() {
      this.dirty = false;
    },
    destroy() {
      window.removeEventListener("beforeunload", this.warn);
    },
  };
}

// What this form has said, and nothing typed elsewhere, makes room for the next one.
function quickAdd() {
  return {
    clear(event) {
      if (this.$root.contains(event.target)) this.$root.querySelector("[data-quick-add]").value = "";
    },
  };
}

// Rows that are ticked: how many, and all of a page at once.
function selection() {
  return {
    chosen: 0,
    everything: false,
    init() {
      this.count();
    },
    boxes() {
      return [...this.$root.querySelectorAll("input[name=id]")];
    },
    count() {
      const boxes = this.boxes();
      const all = this.$root.querySelector("[data-tick-all]");
      this.everything = Boolean(this.$root.querySelector("[data-everything]")?.checked);
      this.chosen = boxes.filter((box) => box.checked).length;
      if (!all) return;
      all.checked = boxes.length > 0 && this.chosen === boxes.length;
      all.indeterminate = this.chosen > 0 && !all.checked;
    },
    toggle(event) {
      for (const box of this.boxes()) box.checked = event.target.checked;
      this.count();
    },
    said() {
      // All that match are more than those of this page; then nobody counts ticks.
      return this.everything ? "All selected" : `${this.chosen} selected`;
    },
  };
}

// One of many, see lazy/combobox.js.
function combobox() {
  return {
    async init() {
      const { startCombobox } = await import("./lazy/combobox.js");
      this.stop = startCombobox(this.$root);
    },
    destroy() {
      this.stop?.();
    },
  };
}

export function startAlpine() {
  Alpine.data("toast", toast);
  Alpine.data("appearance", appearance);
  Alpine.data("editForm", editForm);
  Alpine.data("quickAdd", quickAdd);
  Alpine.data("selection", selection);
  Alpine.data("combobox", combobox);
  window.Alpine = Alpine;
  Alpine.start();
}
