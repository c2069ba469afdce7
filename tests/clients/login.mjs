// openid-client as its documentation uses it. Arguments: a JSON object on the first line of standard input; then the address that the
// browser came back to on the second. Prints one JSON object a line: where to send the browser, then what it learnt.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => (await lines.next()).value;
const say = (told) => console.log(JSON.stringify(told));
const METHODS = { client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost, none: () => client.None() };

const asked = JSON.parse(await next());
const config = await client.discovery(
  new URL(asked.issuer),
  asked.client_id,
  { id_token_signed_response_alg: asked.alg },
  METHODS[asked.auth_method](asked.client_secret),
  { execute: [client.allowInsecureRequests] },
);
client.enableNonRepudiationChecks(config);

const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const expectedNonce = client.randomNonce();
say({
  url: client.buildAuthorizationUrl(config, {
    redirect_uri: asked.redirect_uri,
    scope: "openid profile mitid",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    acr_values: asked.acr_values,
  }).href,
});

const cameBackTo = new URL(await next());
try {
  const tokens = await client.authorizationCodeGrant(config, cameBackTo, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  say({ claims, userinfo });
} catch (error) {
  say({ error: error.error ?? error.code, description: error.error_description ?? error.message });
}
process.exit(0);
