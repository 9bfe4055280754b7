import type { Json, JsonObject } from "../../gateway/documents.ts";

interface ErrorDetail {
  readonly code: string;
  readonly target: string;
  readonly message: string;
}

/** What stands under `error` in ARM's envelope. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details: readonly ErrorDetail[] | null;
}

/** A refusal as it goes over the wire. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly body: JsonObject;

  constructor(status: number, body: JsonObject) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** A refusal in ARM's envelope. */
export class ArmError extends HttpError {
  readonly error: ErrorBody;

  constructor(status: number, error: ErrorBody) {
    super(status, errorEnvelope(error));
    this.error = error;
  }
}

export function errorEnvelope({ code, message, details }: ErrorBody): { readonly error: JsonObject } {
  const shown: Json = details === null ? null : details.map((detail) => ({ ...detail }));
  return { error: { code, message, details: shown } };
}

const validationCode = "ValidationError";

export const armError = (status: number, code: string, message: string): ArmError => new ArmError(status, { code, message, details: null });

/** 400 without details. */
export const invalid = (message: string): ArmError => armError(400, validationCode, message);

/** 400 with what is wrong in `details[]`: ARM's top line never says it. */
export const invalidFields = (fields: readonly { readonly target: string; readonly message: string }[]): ArmError =>
  new ArmError(400, {
    code: validationCode,
    message: "One or more fields contain incorrect values:",
    details: fields.map(({ target, message }) => ({ code: validationCode, target, message })),
  });

export const notFound = (noun: string): ArmError => armError(404, "ResourceNotFound", `${noun} not found.`);

/** https://github.com/Azure/azure-powershell/issues/3817 */
export const modified = (): ArmError => armError(412, validationCode, "Resource was modified since last retrieval.");

/** The sandbox's own answer to what it has no part of: never a made-up success. */
export const unknownRoute = (method: string, path: string): ArmError =>
  armError(404, "SandboxRouteNotFound", `The sandbox does not know ${method} ${path}.`);
