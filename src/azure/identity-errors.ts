import { GatewayError } from "../errors.ts";

/** What Entra's error codes say about which setting is wrong: https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const entraHints: readonly { readonly codes: RegExp; readonly hint: string }[] = [
  {
    codes: /AADSTS(?:7000215|7000222)\b/,
    hint: "AZURE_CLIENT_SECRET is wrong or has expired. Create a new one: az ad app credential reset --id <AZURE_CLIENT_ID>",
  },
  { codes: /AADSTS700016\b/, hint: "AZURE_CLIENT_ID names no application in the tenant of AZURE_TENANT_ID." },
  { codes: /AADSTS(?:90002|900023|90013)\b/, hint: "AZURE_TENANT_ID names no tenant; find it with: az account show --query tenantId" },
  {
    codes: /AADSTS(?:700024|700027|7002[0-9]+)\b/,
    hint: "The client's certificate or federated token is refused. Check AZURE_CLIENT_CERTIFICATE_PATH or the workload identity's federated credential.",
  },
  { codes: /AADSTS(?:50076|50079|50173|70043|700082|50078)\b/, hint: "The sign-in has lapsed or needs a second factor. Run: az login" },
];

const signInHint =
  "Sign in with 'az login' (add --tenant <id> where there are several), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret or certificate, or pass a token in AIGW_ACCESS_TOKEN.";

/** What `@azure/identity` throws, as `unauthenticated` (or `not_configured` for a setting that it cannot read); null for any other error. */
export function identityError(error: Error): GatewayError | null {
  // By name: importing the classes would load the whole package.
  switch (error.name) {
    case "AggregateAuthenticationError":
      return new GatewayError("unauthenticated", "No Azure credential was found.", {
        hint: hintFor(error.message),
        details: nestedErrors(error).map(firstLine),
      });
    case "CredentialUnavailableError":
    case "AuthenticationRequiredError":
      return new GatewayError("unauthenticated", `No Azure credential was found: ${firstLine(error)}`, { hint: hintFor(error.message) });
    case "AuthenticationError":
      return new GatewayError("unauthenticated", `Entra refused the credential: ${entraReason(error)}`, { hint: hintFor(error.message) });
    default:
      return error.message.startsWith("Invalid value for AZURE_TOKEN_CREDENTIALS")
        ? new GatewayError("not_configured", "AZURE_TOKEN_CREDENTIALS names no known credential.", {
            hint: "It takes 'dev', 'prod' or one credential's name, e.g. AzureCliCredential, ManagedIdentityCredential, EnvironmentCredential.",
          })
        : null;
  }
}

function hintFor(message: string): string {
  const entra = entraHints.find(({ codes }) => codes.test(message));
  if (entra !== undefined) return entra.hint;
  return /Azure CLI could not be found/.test(message)
    ? `${signInHint} 'az' itself is not on the PATH: https://learn.microsoft.com/cli/azure/install-azure-cli`
    : signInHint;
}

const nestedErrors = (error: Error): readonly Error[] =>
  "errors" in error && Array.isArray(error.errors) ? error.errors.filter((nested) => nested instanceof Error) : [];

const firstLine = ({ message }: Error): string => message.split(/[\r\n]/, 1)[0] ?? "";

/** Entra's own sentence (`AADSTS…: …`) without the trace ids behind it; else the first line. */
const entraReason = (error: Error): string => /AADSTS\d+: [^\r\n]*?(?=\s*Trace ID|[\r\n]|$)/.exec(error.message)?.[0] ?? firstLine(error);
