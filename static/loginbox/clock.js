// Counts down the time that a login has left. When it is over the page is asked for again: it then leads back to the service.
const clock = document.querySelector("[data-left]");
const bar = document.querySelector(".clock progress");
const ends = Date.now() + Number(clock.dataset.left) * 1000;

function count() {
  const left = Math.max(Math.round((ends - Date.now()) / 1000), 0);
  clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (bar) bar.value = left;
}

setInterval(count, 1000);
// Not a reload: that could post again what led here.
setTimeout(() => location.replace(location.href), ends - Date.now() + 1500);
