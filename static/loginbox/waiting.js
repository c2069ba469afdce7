// While an answer is awaited elsewhere: counts down, and asks the same address until the step has changed, then loads the page.
// Without script the page reloads itself. A redirect is never followed here: the browser itself must follow it.
const WAIT = 2000;
const clock = document.querySelector("[data-left]");
const bar = document.querySelector(".clock progress");
const ends = Date.now() + Number(clock.dataset.left) * 1000;

function count() {
  const left = Math.max(Math.round((ends - Date.now()) / 1000), 0);
  clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  bar.value = left;
}

async function changed() {
  const answer = await fetch(location.href, { redirect: "manual" }).catch(() => null);
  if (!answer) return false;
  return answer.type === "opaqueredirect" || !(await answer.text()).includes('data-step="waiting"');
}

setInterval(count, 1000);
for (;;) {
  await new Promise((done) => setTimeout(done, WAIT));
  if (await changed()) break;
}
location.reload();
