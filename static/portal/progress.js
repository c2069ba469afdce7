// Follows work that goes on elsewhere, and loads the page anew when it is done. Without script the page reloads by itself.
const WAIT = 1000;

async function follow(box) {
  const bar = box.querySelector("progress");
  const status = box.querySelector("[role=status]");
  for (;;) {
    await new Promise((done) => setTimeout(done, WAIT));
    const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.redirected) break;
    if (!answer?.ok) continue;
    const { done, total, running, text } = await answer.json();
    bar.max = total;
    bar.value = done;
    status.textContent = text;
    if (!running) break;
  }
  location.reload();
}

for (const box of document.querySelectorAll("[data-progress]")) follow(box);
