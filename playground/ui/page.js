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
  new MutationObserver(attach).observe(document.documentElement, { childList: true, subtree: true });
})();
