// An OpenID provider to measure against: node provider.mjs PORT memory|postgres. SECRET comes from the environment.
// Login and consent are its own pages, as it brings them (devInteractions).
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { makeAdapter } from "./postgres.mjs";

const [port, storage] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const person = { name: "Agnes Automatisk", given_name: "Agnes", family_name: "Automatisk", birthdate: "1985-04-12" };

const provider = new Provider(`http://localhost:${port}`, {
  adapter: storage === "postgres" ? await makeAdapter() : undefined,
  clients: [
    {
      client_id: "netbank",
      client_secret: process.env.SECRET,
      redirect_uris: ["https://rp.example/cb"],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
  cookies: { keys: [process.env.SECRET] },
  claims: { openid: ["sub"], profile: Object.keys(person) },
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...person }) }),
});

createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("ready"));
