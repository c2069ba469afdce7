// For pages of a relying party: a login in a window of its own. Copy this file, or import it from the issuer's host.
//
// The window ends on your own redirect_uri, which tells your page: by BroadcastChannel, which only pages of your origin hear, and where there
// is no such channel by postMessage to your own origin. Nobody else posts anything to anybody.
//
// On the page with the button:    const answer = await openLogin(address)         in a click's handler; `address` has a `state` of its own
// On the page at redirect_uri:    if (!(await tellOpener())) { … no window: the page itself goes on with location.search … }
const NAME = "login-window";
const FEATURES = "popup,width=520,height=760";
const ACKNOWLEDGED_MS = 1000;

// Resolves with the URLSearchParams that redirect_uri was called with. Where no window may be opened the page itself goes to the login.
// Whether a person has closed the window cannot be known everywhere: `signal` is for a button of yours that gives up.
export function openLogin(address, { signal, features = FEATURES } = {}) {
  const state = new URL(address).searchParams.get("state");
  if (!state) throw new TypeError("the address has no state: answers could not be told apart");
  return new Promise((resolve, reject) => {
    const channel = "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;
    const heard = (told) => {
      if (!told || told.name !== NAME || told.state !== state || typeof told.answer !== "string") return;
      channel?.postMessage({ name: NAME, heard: state });
      stop();
      resolve(new URLSearchParams(told.answer));
    };
    const posted = (event) => {
      if (event.origin !== location.origin) return;
      heard(event.data);
      if (event.data?.state === state) event.source?.postMessage({ name: NAME, heard: state }, location.origin);
    };
    const stop = () => {
      channel?.close();
      removeEventListener("message", posted);
    };
    channel?.addEventListener("message", (event) => heard(event.data));
    addEventListener("message", posted);
    signal?.addEventListener("abort", () => {
      stop();
      reject(signal.reason);
    });
    const opened = window.open(address, `${NAME}-${state}`, features);
    if (!opened) {
      stop();
      location.assign(address);
    }
  });
}

// True where a page of this origin waits for this answer and has heard it: then this window has done its work, and closes if it may.
export async function tellOpener(answer = location.search) {
  const state = new URLSearchParams(answer).get("state");
  if (!state) return false;
  const told = { name: NAME, state, answer };
  const heard = await new Promise((resolve) => {
    const acknowledged = (data) => data?.name === NAME && data.heard === state && resolve(true);
    const channel = "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;
    channel?.addEventListener("message", (event) => acknowledged(event.data));
    addEventListener("message", (event) => event.origin === location.origin && acknowledged(event.data));
    channel?.postMessage(told);
    if (!channel) window.opener?.postMessage(told, location.origin);
    setTimeout(() => resolve(false), ACKNOWLEDGED_MS);
  });
  if (heard) window.close();
  return heard;
}
