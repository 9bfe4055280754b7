import type { ListedDocument } from "../gateway/documents.ts";
import { isObject, type Json } from "../gateway/documents.ts";
import type { Expiry } from "../gateway/ports.ts";
import { backendIdOf } from "../pool/backend.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { short, some } from "./wording.ts";

const dayMs = 24 * 3_600_000;
const warnedDays = 30;

/** https://learn.microsoft.com/azure/api-management/configure-custom-domain and https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates */
export const certificates = ({ certificates: read, backends, now }: Evidence): Finding =>
  knowing({ read }, ({ read: all }) => {
    const shown = backends.kind === "read" ? backends.value : [];
    const named = (one: Expiry): string => `'${one.name}'${shownTo(one, shown)}`;
    const ending = all
      .map((one) => ({ one, days: Math.floor((Date.parse(one.expires) - now.getTime()) / dayMs) }))
      .filter(({ days }) => days < warnedDays)
      .toSorted((a, b) => a.days - b.days);
    if (ending.length > 0) {
      const texts = ending.map(
        ({ one, days }) =>
          `${named(one)} ${days < 0 ? "has expired" : `expires in ${days} days`} (${one.expires.slice(0, 10)})${kept(one)}`,
      );
      return problem(
        `Certificate of ${some(texts, 4)}.`,
        "From then on callers, or the backends that it is shown to, refuse the connection.",
        "Renew it: portal, API Management, Custom domains or Certificates; one from Key Vault renews itself",
      );
    }
    const stale = all.filter(({ renewal }) => renewal !== undefined);
    if (stale.length === 0) return ok();
    return problem(
      `Key Vault does not give certificate ${some(
        stale.map((one) => `${named(one)}${kept(one)}`),
        2,
      )}.`,
      "A new version there does not come to the gateway: the certificate ends on its day.",
      'Grant the service\'s identity "Key Vault Secrets User" on the vault, and let its network in: portal, API Management, Certificates',
    );
  });

const kept = ({ renewal }: Expiry): string => (renewal === undefined ? "" : `, Key Vault says: ${short(renewal)}`);

/** ` (shown to aoai-private)`. */
function shownTo({ name, thumbprint }: Expiry, backends: readonly ListedDocument[]): string {
  const using = backends.filter(({ properties: { credentials } }) => {
    const { certificate, certificateIds } = isObject(credentials) ? credentials : {};
    const ids = textsIn(certificateIds).map((id) => id.split("/").at(-1));
    return (
      ids.includes(name) || (thumbprint !== undefined && textsIn(certificate).some((one) => one.toLowerCase() === thumbprint.toLowerCase()))
    );
  });
  return using.length === 0 ? "" : ` (shown to ${some(using.map(({ id }) => backendIdOf(id)))})`;
}

const textsIn = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

/** What Azure has ended, or this program is too old for. */
export const platform = ({ lifecycle: read, service }: Evidence): Finding =>
  knowing({ read, service }, ({ read: { platform: generation, oldestApiVersion, ownApiVersion }, service: { resourceId } }) => {
    if (generation !== null && /^stv1(?:\.|$)/i.test(generation)) {
      return problem(
        `The service runs on platform ${generation}.`,
        // https://learn.microsoft.com/azure/api-management/breaking-changes/stv1-platform-retirement-august-2024
        "Azure has retired stv1 (31 August 2024): no availability is promised, and Azure may stop or move the service.",
        `Move it to stv2, which cannot be taken back and may change its addresses: portal, API Management, Platform migration; or az rest --method post --url "${resourceId}/migrateToStv2?api-version=2024-05-01" --body '{"mode":"PreserveIp"}'`,
      );
    }
    if (oldestApiVersion !== null && dayOf(oldestApiVersion) > dayOf(ownApiVersion)) {
      return problem(
        `The service refuses ARM calls with an API version before ${oldestApiVersion}.`,
        `This server asks with ${ownApiVersion}: reads and changes may fail.`,
        `Update azure-ai-gateway-mcp, or lower it: az rest --method patch --url "${resourceId}?api-version=${oldestApiVersion}" --body '{"properties":{"apiVersionConstraint":{"minApiVersion":"${ownApiVersion}"}}}'`,
      );
    }
    return ok();
  });

/** Of an API version: `2024-05-01-preview` is of 2024-05-01. */
const dayOf = (version: string): string => version.slice(0, 10);
