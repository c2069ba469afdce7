// openid-client as its documentation uses it. A JSON object on each line of standard input: first what to ask for, then what the browser
// came back with. Prints one JSON object a line: where to send the browser, then what it learnt.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const say = (told) => console.log(JSON.stringify(told));
const METHODS = { client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost, none: () => client.None() };

const asked = await next();
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
    scope: asked.scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    ...asked.parameters,
  }).href,
});

const back = await next();
const cameBackWith = back.form ? new Request(back.url, { method: "POST", body: new URLSearchParams(back.form) }) : new URL(back.url);
try {
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, cameBackWith, checks);
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const refreshed = asked.refresh ? await client.refreshTokenGrant(config, tokens.refresh_token) : null;
  say({ tokens, claims, userinfo, refreshed });
} catch (error) {
  say({ error: error.error ?? error.code, description: error.error_description ?? error.message });
}
process.exit(0);
