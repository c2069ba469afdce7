// Asks the browser for a security key, and posts what it answered with the form. `data-chip` is "get" (prove) or "create" (register);
// `data-options` is what the server asks for, bytes as base64url. Asks by itself once where `data-at-once` says so.
const form = document.querySelector("form[data-chip]");
const said = form.querySelector("[data-said]");
const options = JSON.parse(form.dataset.options);

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function toProve() {
  const here = options.chips.filter((chip) => chip.rp_id === location.hostname);
  if (!here.length) throw new Error("elsewhere");
  return {
    challenge: bytes(options.challenge),
    rpId: location.hostname,
    userVerification: options.userVerification,
    allowCredentials: here.map((chip) => ({ type: "public-key", id: bytes(chip.id) })),
  };
}

function toRegister() {
  return {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: options.excludeCredentials.map((known) => ({ ...known, id: bytes(known.id) })),
  };
}

async function answered() {
  const publicKey = form.dataset.chip === "create" ? toRegister() : toProve();
  const made = await navigator.credentials[form.dataset.chip]({ publicKey });
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} };
}

async function ask() {
  said.textContent = said.dataset.waiting;
  try {
    form.elements.chip.value = JSON.stringify(await answered());
    form.submit();
  } catch (reason) {
    said.textContent = reason.message === "elsewhere" || reason.name === "SecurityError" ? said.dataset.elsewhere : said.dataset.silent;
  }
}

for (const button of form.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    ask();
  });
}
if (form.hasAttribute("data-at-once")) ask();
