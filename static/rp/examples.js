import { openLogin } from "./login-window.js";
import { begin, finish } from "./oidc.js";

const form = document.querySelector("form");
const result = document.querySelector("#result");
const redirectUri = new URL("callback.html", location.href).href;
const given = new URLSearchParams(location.search);
for (const name of ["issuer", "client_id"]) if (given.has(name)) form.elements[name].value = given.get(name);
document.querySelector("#command").textContent =
  `python manage.py provision_client --tenant fjordbank --environment test --name Examples --auth-method none \\\n` +
  `    --setting application_type=spa --setting origin=${location.origin} --redirect-uri ${redirectUri} --scope "openid profile"`;

const show = (told) => (result.textContent = JSON.stringify(told, null, 2));
const wanted = () => [form.elements.issuer.value.trim(), form.elements.client_id.value.trim(), redirectUri];
const giveUp = document.querySelector("#give-up");
let waiting = null;

// A window must be opened while the click counts: the address is made first, so that nothing is awaited in between.
let next = null;
const prepare = async () => (next = form.checkValidity() ? await begin(...wanted()) : null);
form.addEventListener("change", () => prepare().catch((error) => show({ error: String(error) })));
prepare().catch((error) => show({ error: String(error) }));

document.querySelector("#window").addEventListener("click", async () => {
  if (!form.reportValidity() || !next) return;
  const { kept, address } = next;
  sessionStorage.setItem(kept.state, JSON.stringify(kept));
  waiting?.abort();
  waiting = new AbortController();
  giveUp.hidden = false;
  try {
    show(await finish(kept, await openLogin(address, { signal: waiting.signal })));
  } catch (error) {
    show({ error: String(error) });
  }
  giveUp.hidden = true;
  await prepare();
});
giveUp.addEventListener("click", () => waiting.abort(new Error("given up")));
document.querySelector("#redirect").addEventListener("click", () => {
  if (!form.reportValidity() || !next) return;
  sessionStorage.setItem(next.kept.state, JSON.stringify(next.kept));
  location.assign(next.address);
});
