// Gradio replaces the text inside these elements, so the roles belong on their lasting parents.
// Screen readers hear a state once, not every step: the spoken line follows the visible one without its numbers.
(() => {
  const spoken = (text) => text.replace(/\d+(\.\d+)? s\b/g, "").replace(/step \d+ of (\d+)/, "working, $1 steps");
  const attach = () => {
    const status = document.getElementById("status");
    if (!status || document.getElementById("status_spoken")) return;
    const region = document.createElement("div");
    region.id = "status_spoken";
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    document.body.append(region);
    new MutationObserver(() => {
      const line = spoken(status.querySelector(".text")?.textContent ?? "");
      if (region.textContent !== line) region.textContent = line;
    }).observe(status, { childList: true, subtree: true, characterData: true });
  };
  // On a phone the button is always in reach but the picture may not be in sight.
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#generate") || !matchMedia("(max-width: 760px)").matches) return;
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    document.getElementById("stage")?.scrollIntoView({ block: "nearest", behavior });
  });
  new MutationObserver(attach).observe(document.documentElement, { childList: true, subtree: true });
})();
