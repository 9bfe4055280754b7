import { createHttpHeaders, createPipelineRequest, type PipelineRequest, type PipelineResponse } from "@azure/core-rest-pipeline";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../gateway/documents.ts";
import type { Precondition } from "../gateway/ports.ts";
import { type ArmResponse, jsonObject } from "./arm-response.ts";
import { type Attempt, thrownError } from "./errors.ts";

/** What can send a request through a pipeline of its own: an `ApiManagementClient`. */
export interface Sender {
  sendRequest(request: PipelineRequest): Promise<PipelineResponse>;
}

interface ArmRead {
  readonly method: "GET";
  readonly url: string;
  readonly signal?: AbortSignal;
}

/** What a write requires of the live document is part of it: without it the last writer would win. */
export interface ArmWrite {
  readonly method: "PUT" | "DELETE";
  readonly url: string;
  readonly precondition: Precondition;
  readonly body?: JsonObject;
}

/**
 * Sends raw JSON through a client's pipeline: the typed operations drop each property that they do not know. Answers
 * with any status; throws a `GatewayError` only where there is no answer.
 */
export async function send(client: Sender, request: ArmRead | ArmWrite, attempt: Attempt): Promise<ArmResponse> {
  const signal = request.method === "GET" ? request.signal : undefined;
  const pipelineRequest = request.method === "GET" ? readRequest(request) : writeRequest(request);
  try {
    const response = await client.sendRequest(pipelineRequest);
    return { status: response.status, headers: response.headers, body: jsonObject(response.bodyAsText) };
  } catch (error) {
    throw thrownError(error, attempt, signal);
  }
}

const accept = { accept: "application/json" };

const readRequest = ({ method, url, signal }: ArmRead): PipelineRequest =>
  createPipelineRequest({
    method,
    url,
    headers: createHttpHeaders(accept),
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });

const writeRequest = ({ method, url, precondition, body }: ArmWrite): PipelineRequest =>
  createPipelineRequest({
    method,
    url,
    headers: createHttpHeaders({
      ...accept,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...preconditionHeader(precondition),
    }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

function preconditionHeader(precondition: Precondition): Readonly<Record<string, string>> {
  if (!("ifMatch" in precondition)) return { "If-None-Match": precondition.ifNoneMatch };
  const { ifMatch } = precondition;
  // A star matches whatever is there, and so guards nothing.
  if (ifMatch === "" || ifMatch === "*") throw new GatewayError("internal", "A write needs the ETag of the document that it replaces.");
  return { "If-Match": ifMatch };
}
