import { tellOpener } from "./login-window.js";
import { finish } from "./oidc.js";

const result = document.querySelector("#result");
if (await tellOpener()) {
  result.textContent = "Done. You can close this window.";
} else {
  const answer = new URLSearchParams(location.search);
  const kept = JSON.parse(sessionStorage.getItem(answer.get("state")) ?? "null");
  history.replaceState(null, "", location.pathname);
  result.textContent = kept ? JSON.stringify(await finish(kept, answer), null, 2) : "This answer belongs to no login of this window.";
}
