// A filter counts as soon as it is chosen; empty ones are left out of the address.
export function submitOnChange() {
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-submit]")) target.form.requestSubmit();
  });
  document.addEventListener("submit", ({ target }) => {
    if (target.method !== "get") return;
    for (const field of target.elements) field.disabled ||= field.name && !field.value;
  });
}

// The box in the head of a table selects all of its rows.
export function selectAll() {
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-all]")) return;
    for (const box of target.closest("table").querySelectorAll("tbody [type=checkbox]")) box.checked = target.checked;
  });
}
