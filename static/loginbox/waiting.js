// While an answer is awaited elsewhere: asks the same address until the step has changed, then loads the page.
// Without script the page reloads itself. A redirect is never followed here: the browser itself must follow it.
const PAUSES = [2, 2, 2, 3, 3, 4, 4]; // seconds; after these, LONGEST
const LONGEST = 5;

// 204: still this step. 429 and 5xx: not now.
async function changed() {
  const answer = await fetch(location.href, { headers: { "Shown-Step": "waiting" }, redirect: "manual" }).catch(() => null);
  return answer !== null && answer.status !== 204 && answer.status !== 429 && answer.status < 500;
}

for (;;) {
  await new Promise((done) => setTimeout(done, (PAUSES.shift() ?? LONGEST) * 1000));
  if (await changed()) break;
}
location.reload();
