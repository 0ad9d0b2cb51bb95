// The slider under the last run's steps: it shows one of the strip's pictures large.
document.addEventListener("input", (event) => {
  const slider = event.target.closest?.(".denoising input[type=range]");
  if (!slider) return;
  const run = slider.closest(".denoising");
  const chosen = run.querySelectorAll(".strip figure")[Number(slider.value)];
  run.querySelector("img.large").src = chosen.querySelector("img").src;
  const total = run.querySelector("output").textContent.replace(/^.* of /, "");
  run.querySelector("output").textContent = `${chosen.querySelector("b").textContent} of ${total}`;
});
