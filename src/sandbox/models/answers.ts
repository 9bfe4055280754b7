import type { JsonObject } from "../../gateway/documents.ts";

/** A request that a model backend refuses: an answer in the shape that Azure OpenAI uses, `{"error":{...}}`. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly status: number;
  readonly error: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: JsonObject & { readonly message: string }, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/** 400: the request itself is wrong (https://platform.openai.com/docs/guides/error-codes). */
export const invalidRequest = (message: string, param: string | null = null, code: string | null = null): ModelError =>
  new ModelError(400, { message, type: "invalid_request_error", param, code });

/** The words as Azure OpenAI has them; `code` is the status where there is no better one. */
export const notFound = (): ModelError => new ModelError(404, { code: "404", message: "Resource not found" });

export const deploymentNotFound = (): ModelError =>
  new ModelError(404, {
    code: "DeploymentNotFound",
    message:
      "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.",
  });

export const accessDenied = (): ModelError =>
  new ModelError(401, {
    code: "401",
    message:
      "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.",
  });

export const wrongOperation = (operation: string, model: string): ModelError =>
  new ModelError(400, {
    code: "OperationNotSupported",
    message: `The ${operation} operation does not work with the specified model, ${model}. Please choose different model and try again.`,
  });

/** `what` is `token` or `call`. */
export function rateLimited(what: string, operation: string, apiVersion: string, seconds: number): ModelError {
  const message = `Requests to the ${operation} Operation under Azure OpenAI API version ${apiVersion} have exceeded ${what} rate limit of your current OpenAI S0 pricing tier. Please retry after ${seconds} seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.`;
  return new ModelError(429, { code: "429", message }, { "retry-after": String(seconds), "retry-after-ms": String(seconds * 1000) });
}

export const contextLengthExceeded = (limit: number, tokens: number): ModelError =>
  invalidRequest(
    `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`,
    "messages",
    "context_length_exceeded",
  );

/** A failure that a script asks for. */
export const serverError = (status: number): ModelError =>
  new ModelError(status, {
    code: String(status),
    message:
      status === 503
        ? "The service is temporarily unable to process your request. Please try again later."
        : "The server had an error while processing your request. Sorry about that!",
    type: "server_error",
  });
