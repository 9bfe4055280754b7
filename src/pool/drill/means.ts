import { apiRevisionId } from "../../gateway/documents.ts";
import { findApi, type Inventory } from "../../gateway/inventory.ts";
import type { GatewayReader } from "../../gateway/ports.ts";
import type { DrillMeans } from "./plan.ts";
import { probeRequest } from "./probe.ts";
import type { DrillRequest } from "./request.ts";

/** What the operator has given for drills. */
interface Given {
  readonly probes: boolean;
  readonly deployment: string;
  readonly fault: { readonly url: string; readonly own: boolean } | null;
}

/** More revisions than an API has. */
const mostRevisions = 500;

/** What a drill of this API can work with: its test call, the fault origin, a free number for a revision. */
export async function drillMeans(
  reader: Pick<GatewayReader, "operations" | "document">,
  { apis, service }: Pick<Inventory, "apis" | "service">,
  { api_id, mode }: Pick<DrillRequest, "api_id" | "mode">,
  { probes, deployment, fault }: Given,
): Promise<DrillMeans> {
  const api = findApi(apis, api_id);
  const revision = mode === "rehearse" ? await freeRevision(reader, api.id) : 0;
  const probe = probes ? probeRequest(api, await reader.operations(api.id), deployment, mode === "rehearse" ? revision : undefined) : null;
  return {
    probe,
    withoutProbe: probes
      ? `API '${api.id}' has no operation that a test call could use: only the logs will tell what happened.`
      : "No test call is made: AIGW_PROBE_KEY is not set. Only the logs will tell what happened.",
    fault: fault === null ? null : { ...fault, own: fault.own || isOwn(fault.url, service.gatewayUrl) },
    revision,
  };
}

/** What goes to the gateway's own host stays with the service. */
const isOwn = (url: string, gatewayUrl: string | null): boolean =>
  gatewayUrl !== null && URL.canParse(gatewayUrl) && new URL(url).origin === new URL(gatewayUrl).origin;

/** The first number that no revision of the API has. */
export async function freeRevision(reader: Pick<GatewayReader, "document">, apiId: string): Promise<number> {
  let revision = 2;
  while (revision < mostRevisions && (await reader.document(apiRevisionId(apiId, revision))) !== null) revision += 1;
  return revision;
}
