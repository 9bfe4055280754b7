import { GatewayError } from "../errors.ts";
import { type DocumentId, documentKind, documentTitle, type JsonObject } from "../gateway/documents.ts";
import type { DocumentWriter, Precondition } from "../gateway/ports.ts";
import { defaultApiVersion, writeVersion } from "./api-versions.ts";
import type { ArmResponse } from "./arm-response.ts";
import { documentUrl, readLiveDocument } from "./documents.ts";
import { type Attempt, armError } from "./errors.ts";
import { untilStored } from "./long-running.ts";
import type { Arm } from "./pipeline.ts";
import { type ArmRequest, send } from "./requests.ts";
import { hasMarkers, withLiveSecrets } from "./secrets.ts";

/**
 * See the port. A write is sent once, and no signal of a caller stops it; the only thing that is sent again is what ARM
 * refused unread (an unsupported api-version, a token with too few claims).
 */
export function createWriter(arm: Arm): DocumentWriter {
  async function write(id: DocumentId, request: Omit<ArmRequest, "url" | "signal">, version: string): Promise<void> {
    const attempt: Attempt = {
      what: `${request.method === "PUT" ? "write" : "delete"} of ${documentTitle(id)}`,
      writes: true,
      kind: documentKind(id),
    };
    const url = documentUrl(arm, id);
    const at = (apiVersion: string) => `${url}?api-version=${apiVersion}`;
    const response = await arm.versioned(version, (apiVersion) => send(arm.writing, { ...request, url: at(apiVersion) }, attempt));
    if (!succeeded(response)) throw armError(response, attempt);
    const poll = (link: string) => send(arm.reading, { method: "GET", url: link }, { ...attempt, writes: false });
    await untilStored(response, at(version), attempt, { poll, wait: arm.wait });
  }

  return {
    async put(id, properties, precondition) {
      const body = { properties: await withSecretsOf(arm, id, properties, precondition) };
      await write(id, { method: "PUT", headers: preconditionHeaders(precondition), body }, writeVersion(properties));
    },
    delete: (id, precondition) => write(id, { method: "DELETE", headers: preconditionHeaders(precondition) }, defaultApiVersion),
  };
}

const succeeded = ({ status }: ArmResponse): boolean => status >= 200 && status < 300;

const preconditionHeaders = (precondition: Precondition): Readonly<Record<string, string>> =>
  "ifMatch" in precondition ? { "If-Match": precondition.ifMatch } : { "If-None-Match": precondition.ifNoneMatch };

/** The properties with the live document's secrets, which are taken only from the very document that the write replaces. */
async function withSecretsOf(arm: Arm, id: DocumentId, properties: JsonObject, precondition: Precondition): Promise<JsonObject> {
  if (!hasMarkers(id, properties)) return properties;
  const live = await readLiveDocument(arm, id);
  if (live === null || !("ifMatch" in precondition) || live.etag !== precondition.ifMatch) {
    throw new GatewayError("conflict", `The ${documentTitle(id)} is not the one that its secrets were read with.`, {
      hint: "Read it again and plan the change anew; a secret that is gone has to be set in Azure.",
    });
  }
  return withLiveSecrets(id, properties, live.properties);
}
