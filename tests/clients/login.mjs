// openid-client as its documentation uses it. A JSON object on each line of standard input: first what to ask for, then what the browser
// came back with. Prints one JSON object a line: where to send the browser, then what it learnt.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const say = (told) => console.log(JSON.stringify(told));

const ALGORITHMS = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
};
const OPENING = { "RSA-OAEP-256": [{ name: "RSA-OAEP", hash: "SHA-256" }, "decrypt"], "ECDH-ES": [{ name: "ECDH", namedCurve: "P-256" }, "deriveBits"] };
const opening = async ({ alg, jwk }) => ({ alg, kid: jwk.kid, key: await crypto.subtle.importKey("jwk", jwk, OPENING[alg][0], false, [OPENING[alg][1]]) });
const imported = async ({ alg, jwk }) => ({ key: await crypto.subtle.importKey("jwk", jwk, ALGORITHMS[alg], false, ["sign"]), kid: jwk.kid });
const METHODS = {
  client_secret_basic: ({ client_secret }) => client.ClientSecretBasic(client_secret),
  client_secret_post: ({ client_secret }) => client.ClientSecretPost(client_secret),
  private_key_jwt: (_, key) => client.PrivateKeyJwt(key),
  none: () => client.None(),
};

const asked = await next();
const key = asked.key && (await imported(asked.key));
const config = await client.discovery(
  new URL(asked.issuer),
  asked.client_id,
  {
    id_token_signed_response_alg: asked.alg,
    authorization_signed_response_alg: asked.alg,
    ...(asked.userinfo_alg && { userinfo_signed_response_alg: asked.userinfo_alg }),
  },
  METHODS[asked.auth_method](asked, key),
  { execute: [client.allowInsecureRequests], algorithm: asked.metadata },
);
client.enableNonRepudiationChecks(config);
if (asked.jarm) client.useJwtResponseMode(config);
if (asked.opening) client.enableDecryptingResponses(config, ["A256GCM"], await opening(asked.opening));
const proof = asked.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair(asked.dpop)) } : {};

const pkceCodeVerifier = asked.pkce === "nonce_instead" ? undefined : client.randomPKCECodeVerifier();
const challenge = async () => ({ code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256" });
const expectedState = client.randomState();
const expectedNonce = client.randomNonce();
const parameters = {
  redirect_uri: asked.redirect_uri,
  scope: asked.scope,
  ...(pkceCodeVerifier && (await challenge())),
  state: expectedState,
  nonce: expectedNonce,
  ...asked.parameters,
};
const WAYS = {
  query: () => client.buildAuthorizationUrl(config, parameters),
  pushed: () => client.buildAuthorizationUrlWithPAR(config, parameters, proof),
  signed: () => client.buildAuthorizationUrlWithJAR(config, parameters, key),
};
say({ url: (await WAYS[asked.way]()).href });

const back = await next();
const cameBackWith = back.form ? new Request(back.url, { method: "POST", body: new URLSearchParams(back.form) }) : new URL(back.url);
try {
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, cameBackWith, checks, undefined, proof);
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, proof);
  const refreshed = asked.refresh ? await client.refreshTokenGrant(config, tokens.refresh_token, undefined, proof) : null;
  const looked_up = asked.auth_method === "none" ? null : await client.tokenIntrospection(config, tokens.access_token);
  const given = asked.api ? await client.clientCredentialsGrant(config, { scope: asked.api }) : null;
  const own = given && (await client.tokenIntrospection(config, given.access_token));
  await client.tokenRevocation(config, (refreshed ?? tokens).refresh_token ?? tokens.access_token);
  const afterwards = await client.fetchUserInfo(config, tokens.access_token, claims.sub, proof).then(() => "known", () => "unknown");
  say({ tokens, claims, userinfo, refreshed, looked_up, afterwards, own });
} catch (error) {
  say({ error: error.error ?? error.code, description: error.error_description ?? error.message, cause: String(error.cause ?? "") });
}
process.exit(0);
