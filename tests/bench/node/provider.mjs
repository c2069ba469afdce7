// An OpenID provider to measure against: node provider.mjs PORT memory|postgres. SECRET comes from the environment.
// Pages are as small as a login allows. The client "consenting" is asked for consent, "trusted" is not.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { makeAdapter } from "./postgres.mjs";

const [port, storage] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const client = (client_id) => ({
  client_id,
  client_secret: process.env.SECRET,
  redirect_uris: ["https://rp.example/cb"],
  response_types: ["code"],
  grant_types: ["authorization_code"],
  token_endpoint_auth_method: "client_secret_basic",
  id_token_signed_response_alg: "ES256",
});

async function granted(ctx) {
  const { session, result, client: asking, provider } = ctx.oidc;
  const known = result?.consent?.grantId ?? session.grantIdFor(asking.clientId);
  if (known) return provider.Grant.find(known);
  if (asking.clientId !== "trusted") return undefined;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: asking.clientId });
  grant.addOIDCScope("openid profile");
  await grant.save();
  return grant;
}

const provider = new Provider(issuer, {
  adapter: storage === "postgres" ? await makeAdapter() : undefined,
  clients: [client("consenting"), client("trusted")],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
  cookies: { keys: [process.env.SECRET] },
  claims: { openid: ["sub"], profile: ["name", "given_name", "family_name", "birthdate"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: granted,
  pkce: { required: () => true },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: "Agnes Automatisk", given_name: "Agnes", family_name: "Automatisk", birthdate: "1985-04-12" }),
  }),
});

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" });
    response.end(`<!doctype html><title>${details.prompt.name}</title><form method="post" action="${request.url}"><input name="login"></form>`);
    return;
  }
  let body = "";
  for await (const part of request) body += part;
  const result = {};
  if (details.prompt.name === "login") {
    result.login = { accountId: new URLSearchParams(body).get("login") };
  } else {
    const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    grant.addOIDCScope("openid profile");
    result.consent = { grantId: await grant.save() };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

const answer = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  return interact(request, response).catch((reason) => {
    console.error(reason);
    response.writeHead(500).end();
  });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
