import { createHttpHeaders, createPipelineRequest, type PipelineRequest, type PipelineResponse } from "@azure/core-rest-pipeline";
import type { JsonObject } from "../gateway/documents.ts";
import { type ArmResponse, jsonObject } from "./arm-response.ts";
import { type Attempt, thrownError } from "./errors.ts";

/** What can send a request through a pipeline of its own: an `ApiManagementClient`. */
export interface Sender {
  sendRequest(request: PipelineRequest): Promise<PipelineResponse>;
}

export interface ArmRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  readonly signal?: AbortSignal;
}

/**
 * Sends raw JSON through a client's pipeline: the typed operations drop each property that they do not know. Answers
 * with any status; throws a `GatewayError` only where there is no answer.
 */
export async function send(client: Sender, request: ArmRequest, attempt: Attempt): Promise<ArmResponse> {
  const { method, url, headers, body, signal } = request;
  const pipelineRequest = createPipelineRequest({
    method,
    url,
    headers: createHttpHeaders({
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });
  try {
    const response = await client.sendRequest(pipelineRequest);
    return { status: response.status, headers: response.headers, body: jsonObject(response.bodyAsText) };
  } catch (error) {
    throw thrownError(error, attempt, signal);
  }
}
