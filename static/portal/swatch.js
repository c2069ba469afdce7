// A colour picker beside each colour's text. Hidden in the page, shown here: without script the text is all there is.
for (const picker of document.querySelectorAll(".swatch > input[type=color]")) {
  const text = document.getElementById(picker.dataset.text);
  const follow = () => {
    if (/^#[0-9a-f]{6}$/i.test(text.value)) picker.value = text.value;
  };
  follow();
  picker.hidden = false;
  text.addEventListener("input", follow);
  picker.addEventListener("input", () => (text.value = picker.value));
}
