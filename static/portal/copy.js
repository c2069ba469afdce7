// Buttons that copy the text of another element. Hidden in the page, shown here: without script there is nothing to press.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  const word = button.querySelector("span");
  const before = word ? word.textContent : button.getAttribute("aria-label");
  const say = (text) => (word ? (word.textContent = text) : button.setAttribute("aria-label", text));
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent.trim());
    say(button.dataset.copied);
    button.classList.add("copied");
    setTimeout(() => {
      say(before);
      button.classList.remove("copied");
    }, 2000);
  });
}
