// The History tab: a click on a tile opens its entry, and times are shown in the reader's own zone.
(() => {
  const open = (tile) => {
    const box = document.querySelector("#history_picked textarea, #history_picked input");
    box.value = tile.dataset.entry;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => document.getElementById("history_open")?.click(), 50);
    for (const other of document.querySelectorAll(".tile[aria-current]")) other.removeAttribute("aria-current");
    tile.setAttribute("aria-current", "true");
    if (matchMedia("(max-width: 760px)").matches) document.getElementById("history_find")?.scrollIntoView({ block: "end" });
  };
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
      time.title = time.textContent;
      time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
  };
  document.addEventListener("click", (event) => {
    const tile = event.target.closest?.("button.tile[data-entry]");
    if (tile) open(tile);
  });
  new MutationObserver(() => localise(document)).observe(document.documentElement, { childList: true, subtree: true });
})();
