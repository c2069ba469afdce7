// Somebody else's OpenID provider, as an upstream of ours: node upstream.mjs PORT. REDIRECT_URIS (JSON), SECRET and JWKS (our public keys,
// JSON) come from the environment. Whoever logs in is who they type; a name that begins with low- reaches the level low.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { REDIRECT_URIS, SECRET, JWKS } = process.env;
const port = Number(process.argv[2]);
const NSIS = "https://data.gov.dk/concept/core/nsis/";
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const common = {
  redirect_uris: JSON.parse(REDIRECT_URIS),
  response_types: ["code"],
  grant_types: ["authorization_code"],
  id_token_signed_response_alg: "ES256",
};
const about = (id) => ({
  sub: id,
  name: "Agnes Automatisk",
  given_name: "Agnes",
  family_name: "Automatisk",
  birthdate: "1985-04-12",
  loa: NSIS + (id.startsWith("low-") ? "Low" : "Substantial"),
});

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    { ...common, client_id: "with-secret", client_secret: SECRET, token_endpoint_auth_method: "client_secret_basic" },
    { ...common, client_id: "with-key", token_endpoint_auth_method: "private_key_jwt", jwks: JSON.parse(JWKS) },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
  cookies: { keys: [SECRET] },
  acrValues: ["Low", "Substantial", "High"].map((word) => NSIS + word),
  claims: { openid: ["sub"], profile: ["name", "given_name", "family_name", "birthdate", "loa"] },
  features: { devInteractions: { enabled: true }, pushedAuthorizationRequests: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => about(id) }),
});

createServer(provider.callback()).listen(port, "127.0.0.1", () => console.log("ready"));
