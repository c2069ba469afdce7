// The code flow of a public client, as small as it can be: what the examples need to be runnable.
const encoded = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)));
const metadata = async (issuer) => (await fetch(`${issuer}/.well-known/openid-configuration`)).json();

// A new request: the address to go to, and what must be kept until the answer.
export async function begin(issuer, clientId, redirectUri) {
  const kept = { issuer, clientId, redirectUri, state: random(), nonce: random(), verifier: random() };
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(kept.verifier)));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "openid profile",
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: encoded(hash),
    code_challenge_method: "S256",
  });
  return { kept, address: `${(await metadata(issuer)).authorization_endpoint}?${query}` };
}

// What userinfo says of the person, or the error of the answer. A real client verifies the id_token too.
export async function finish(kept, answer) {
  if (answer.get("state") !== kept.state || answer.get("iss") !== kept.issuer) throw new Error("an answer to something else");
  if (answer.has("error")) return Object.fromEntries(answer);
  const { token_endpoint, userinfo_endpoint } = await metadata(kept.issuer);
  const form = { grant_type: "authorization_code", code: answer.get("code"), redirect_uri: kept.redirectUri };
  const body = new URLSearchParams({ ...form, client_id: kept.clientId, code_verifier: kept.verifier });
  const tokens = await (await fetch(token_endpoint, { method: "POST", body })).json();
  if (tokens.error) return tokens;
  return (await fetch(userinfo_endpoint, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).json();
}
