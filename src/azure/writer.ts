import { GatewayError } from "../errors.ts";
import { type DocumentId, documentKind, documentTitle, type JsonObject } from "../gateway/documents.ts";
import type { DocumentWriter, Precondition, WriteReceipt } from "../gateway/ports.ts";
import { defaultApiVersion, writeVersion } from "./api-versions.ts";
import { type ArmResponse, correlationIdOf } from "./arm-response.ts";
import { documentUrl, readLiveDocument } from "./documents.ts";
import { untilSettled } from "./doubtful-write.ts";
import { type Attempt, armError, isUnknownOutcome } from "./errors.ts";
import { untilStored } from "./long-running.ts";
import type { Arm } from "./pipeline.ts";
import { type ArmWrite, send } from "./requests.ts";
import { hasMarkers, withLiveSecrets } from "./secrets.ts";

type Write = Omit<ArmWrite, "url">;

/**
 * See the port. A write is sent once, and no signal of a caller stops it; the only thing that is sent again is what ARM
 * refused unread (an unsupported api-version, a token with too few claims).
 */
export function createWriter(arm: Arm): DocumentWriter {
  async function write(id: DocumentId, request: Write, version: string): Promise<WriteReceipt> {
    const attempt: Attempt = {
      what: `${request.method === "PUT" ? "write" : "delete"} of ${documentTitle(id)}`,
      writes: true,
      kind: documentKind(id),
    };
    const url = documentUrl(arm, id);
    const at = (apiVersion: string) => `${url}?api-version=${apiVersion}`;
    const sent = arm.versioned(version, (apiVersion) => send(arm.writing, { ...request, url: at(apiVersion) }, attempt));
    const response = await taken(sent, attempt).catch(async (error: unknown) => {
      if (isUnknownOutcome(error)) await untilSettled(arm, id, request.precondition);
      throw error;
    });
    const poll = (link: string) => send(arm.reading, { method: "GET", url: link }, { ...attempt, writes: false });
    const stored = await untilStored(response, at(version), attempt, { poll, wait: arm.wait });
    return { ...stored, correlationId: correlationIdOf(response.headers) ?? null };
  }

  return {
    async put(id, properties, precondition) {
      const body = { properties: await withSecretsOf(arm, id, properties, precondition) };
      return write(id, { method: "PUT", precondition, body }, writeVersion(properties));
    },
    delete: (id, precondition) => write(id, { method: "DELETE", precondition }, defaultApiVersion),
  };
}

/** An answer that is no refusal. */
async function taken(sent: Promise<ArmResponse>, attempt: Attempt): Promise<ArmResponse> {
  const response = await sent;
  if (response.status >= 200 && response.status < 300) return response;
  throw armError(response, attempt);
}

/** The properties with the live document's secrets, which are taken only from the very document that the write replaces. */
async function withSecretsOf(arm: Arm, id: DocumentId, properties: JsonObject, precondition: Precondition): Promise<JsonObject> {
  if (!hasMarkers(id, properties)) return properties;
  const live = await readLiveDocument(arm, id);
  if (live === null || !("ifMatch" in precondition) || live.etag !== precondition.ifMatch) {
    throw new GatewayError("conflict", `The ${documentTitle(id)} is not the one that its secrets were read with.`, {
      hint: "Read it again and plan the change anew; a secret that is gone has to be set in Azure.",
    });
  }
  return withLiveSecrets(id, properties, live.properties, await arm.secrets.fingerprint());
}
