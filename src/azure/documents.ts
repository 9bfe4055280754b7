import { GatewayError } from "../errors.ts";
import {
  type Document,
  type DocumentId,
  type DocumentKind,
  documentKind,
  documentTitle,
  isObject,
  type JsonObject,
  withoutNulls,
} from "../gateway/documents.ts";
import { backendReadVersion, defaultApiVersion } from "./api-versions.ts";
import type { ArmResponse } from "./arm-response.ts";
import { type Attempt, armError, isMissingService } from "./errors.ts";
import type { Arm } from "./pipeline.ts";
import { send } from "./requests.ts";
import { documentPath } from "./resource-ids.ts";

export const documentUrl = ({ endpoint, address }: Arm, id: DocumentId): string =>
  `${endpoint.sdk}${address.resourceId}/${documentPath(id)}`;

/** The whole document as ARM has it, secrets in clear, or null where there is none. Not for leaving this folder. */
export async function readLiveDocument(arm: Arm, id: DocumentId, signal?: AbortSignal): Promise<Document | null> {
  const kind = documentKind(id);
  const attempt: Attempt = { what: `read of ${documentTitle(id)}`, writes: false, kind };
  const url = documentUrl(arm, id);
  const response = await arm.versioned(readVersion(kind), (version) =>
    send(arm.reading, { method: "GET", url: `${url}?api-version=${version}${formatQuery(kind)}`, ...(signal && { signal }) }, attempt),
  );
  if (response.status === 404 && !isMissingService(response)) return null;
  if (response.status !== 200) throw armError(response, attempt);
  const { body } = response;
  if (body === null || !isObject(body.properties)) throw unexpected(attempt, "has no properties");
  return { id, properties: storedProperties(id, body.properties), etag: etagOf(response, body, attempt) };
}

const readVersion = (kind: DocumentKind): string => (kind === "backend" ? backendReadVersion : defaultApiVersion);

/** Without it expressions come with their quotes and operators escaped. */
const formatQuery = (kind: DocumentKind): string => (kind === "policy" || kind === "fragment" ? "&format=rawxml" : "");

function etagOf({ headers }: ArmResponse, body: JsonObject, attempt: Attempt): string {
  const etag = headers.get("etag") ?? body.etag;
  if (typeof etag !== "string" || etag === "") throw unexpected(attempt, "has no ETag");
  return etag;
}

export const unexpected = ({ what }: Attempt, problem: string): GatewayError =>
  new GatewayError("internal", `Azure's answer to the ${what} ${problem}.`, {
    hint: "Something between this server and Azure may rewrite answers; check AIGW_ARM_ENDPOINT and the proxy.",
  });

/** What of a document's properties is stored: no nulls (ARM's "not set"), nothing that the service alone computes. */
export function storedProperties(id: DocumentId, properties: JsonObject): JsonObject {
  const { provisioningState: _, ...stored } = withoutNulls(properties);
  return documentKind(id) === "policy" ? { format: "rawxml", value: stored.value ?? "" } : stored;
}
