import { createHttpHeaders, createPipelineRequest, type PipelineRequest, type PipelineResponse } from "@azure/core-rest-pipeline";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../gateway/documents.ts";
import type { Precondition } from "../gateway/ports.ts";
import { type ArmResponse, jsonObject } from "./arm-response.ts";
import { type Attempt, thrownError } from "./errors.ts";

/** What can send a request through a pipeline of its own: an `ApiManagementClient`. */
interface Sender {
  sendRequest(request: PipelineRequest): Promise<PipelineResponse>;
}

interface ArmRead {
  readonly method: "GET";
  readonly url: string;
  readonly signal?: AbortSignal;
}

/** A question that travels in a body, and changes nothing: Azure Resource Graph's. */
interface ArmQuestion {
  readonly method: "POST";
  readonly url: string;
  readonly body: JsonObject;
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
export async function send(client: Sender, request: ArmRead | ArmQuestion | ArmWrite, attempt: Attempt): Promise<ArmResponse> {
  const signal = "precondition" in request ? undefined : request.signal;
  const pipelineRequest = "precondition" in request ? writeRequest(request) : readRequest(request);
  try {
    const response = await client.sendRequest(pipelineRequest);
    return { status: response.status, headers: response.headers, body: jsonObject(response.bodyAsText) };
  } catch (error) {
    throw thrownError(error, attempt, signal);
  }
}

const accept = { accept: "application/json" };

function readRequest({ signal, ...request }: ArmRead | ArmQuestion): PipelineRequest {
  const { method, url } = request;
  return createPipelineRequest({
    method,
    url,
    ...contents("body" in request ? request.body : undefined),
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });
}

const writeRequest = ({ method, url, precondition, body }: ArmWrite): PipelineRequest =>
  createPipelineRequest({ method, url, ...contents(body, preconditionHeader(precondition)) });

const contents = (body: JsonObject | undefined, headers: Readonly<Record<string, string>> = {}) => ({
  headers: createHttpHeaders({ ...accept, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }),
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

function preconditionHeader(precondition: Precondition): Readonly<Record<string, string>> {
  if (!("ifMatch" in precondition)) return { "If-None-Match": precondition.ifNoneMatch };
  const { ifMatch } = precondition;
  // A star matches whatever is there, and so guards nothing.
  if (ifMatch === "" || ifMatch === "*") throw new GatewayError("internal", "A write needs the ETag of the document that it replaces.");
  return { "If-Match": ifMatch };
}
