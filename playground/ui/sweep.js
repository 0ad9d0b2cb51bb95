// The grid stands still while it fills: the server sends changed cells, which replace the old ones here. A click enlarges a cell.
(() => {
  const place = (changes) => {
    for (const cell of changes.querySelectorAll("[data-at]")) {
      const now = document.getElementById(cell.dataset.at);
      if (now) now.replaceChildren(...cell.cloneNode(true).childNodes);
    }
  };
  const load = (cell) => {
    const box = document.querySelector("#sweep_picked textarea, #sweep_picked input");
    box.value = cell;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => document.querySelector("#sweep_load")?.click(), 50);
  };
  const dialog = () => {
    const known = document.getElementById("sweep_dialog");
    if (known) return known;
    const made = document.createElement("dialog");
    made.id = "sweep_dialog";
    made.innerHTML = "<img alt=''><p></p><button type='button' class='load'>Load these settings</button><button type='button'>Close</button>";
    made.addEventListener("click", (event) => {
      if (event.target.matches(".load")) load(made.dataset.cell);
      if (event.target === made || event.target.matches("button")) made.close();
    });
    (document.querySelector(".gradio-container") ?? document.body).append(made);
    return made;
  };
  document.addEventListener("click", (event) => {
    const cell = event.target.closest?.("button.cell[data-full]");
    if (!cell) return;
    const shown = dialog();
    shown.dataset.cell = cell.dataset.cell;
    shown.querySelector("img").src = cell.dataset.full;
    shown.querySelector("img").alt = cell.dataset.caption;
    shown.querySelector("p").textContent = cell.dataset.caption;
    shown.showModal();
  });
  let watched = null;
  const attach = () => {
    const changes = document.getElementById("sweep_changes");
    if (!changes || changes === watched) return;
    watched = changes;
    place(changes);
    new MutationObserver(() => place(changes)).observe(changes, { childList: true, subtree: true });
  };
  new MutationObserver(attach).observe(document.documentElement, { childList: true, subtree: true });
})();
