import { GatewayError } from "../errors.ts";
import {
  type Document,
  type DocumentId,
  type DocumentKind,
  documentKind,
  documentTitle,
  isObject,
  type Json,
  type JsonObject,
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

/** Members of ARM's own documents that hold objects: a null in them means "not set". What any other holds is kept as it came. */
const known = new Set(
  "authorization,certificate,circuitBreaker,credentials,failureCondition,failureResponse,header,keyVault,lastStatus,managedIdentity,pool,proxy,query,rules,services,sessionAffinity,sessionId,statusCodeRanges,tls".split(
    ",",
  ),
);

function withoutUnset(object: JsonObject): JsonObject {
  const clean = (value: Json): Json => (Array.isArray(value) ? value.map(clean) : isObject(value) ? withoutUnset(value) : value);
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, known.has(name) ? clean(value) : value]),
  );
}

/** What of a document's properties is stored: nothing that is "not set", nothing that the service alone computes. */
export function storedProperties(id: DocumentId, properties: JsonObject): JsonObject {
  const { provisioningState: _, ...stored } = withoutUnset(properties);
  return documentKind(id) === "policy" ? { format: "rawxml", value: stored.value ?? "" } : stored;
}
