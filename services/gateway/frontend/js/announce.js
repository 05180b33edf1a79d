// What sighted people see happen is said here to everybody else, and what the server cannot say is shown here.
export function announce(text) {
  const region = document.getElementById("announcer");
  // The same words twice would not be read again.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

export function showToast(text) {
  const toast = document.getElementById("toast-template").content.cloneNode(true);
  toast.querySelector("[data-text]").textContent = text;
  document.getElementById("toasts").append(toast);
}
