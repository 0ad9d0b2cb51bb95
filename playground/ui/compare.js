// Keys of the Compare tab: F shows the two of a pair in turn in the same place, S swaps them. Never while somebody types.
(() => {
  const TYPED = "textarea, select, [contenteditable=true], input:not([type=radio], [type=checkbox], [type=range], [type=button])";
  const flip = (stage) => {
    const [first, second] = (document.querySelector("#compare_pair input:checked")?.value ?? "A|B").split("|");
    if (stage.dataset.view === "Flip") stage.dataset.front = (stage.dataset.front ?? first) === first ? second : first;
    else {
      stage.dataset.front = first;
      document.querySelector('#compare_view input[value="Flip"]')?.click();
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest?.(TYPED)) return;
    const sides = document.getElementById("compare_sides");
    if (!sides?.offsetParent) return;
    const key = event.key.toLowerCase();
    const stage = document.getElementById("compare_stage");
    if (key === "s") document.getElementById("compare_swap")?.click();
    if (key === "f" && stage?.offsetParent) flip(stage);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#compare_run")) {
      const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
      document.getElementById("differs")?.scrollIntoView({ block: "start", behavior });
    }
    const stage = document.getElementById("compare_stage");
    if (event.target.closest?.("#compare_flip") && stage?.offsetParent) flip(stage);
  });
})();
