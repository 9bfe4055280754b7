import type { JsonObject } from "../../gateway/documents.ts";
import type { Deployment, ModelKind, ModelUsage } from "./deployments.ts";
import type { Writing } from "./text.ts";

/** What an answer is made with. */
export interface AnswerContext {
  readonly deployment: Deployment;
  /** Hexadecimal, so many digits. */
  readonly identifier: (digits: number) => string;
  readonly now: Date;
  /** Vectors that stand for texts in place of their own. */
  readonly vectors: ReadonlyMap<string, readonly number[]>;
  readonly write: (prompt: string, choices: number, most: number | null, promptTokens: number) => Writing;
}

export type Answer = ({ readonly json: JsonObject } | { readonly events: Iterable<string> }) & { readonly usage: ModelUsage };

/** A request that has been read and is right. */
interface PreparedRequest {
  /** Most tokens that it may need, as limits judge it when it comes in. */
  readonly estimatedTokens: number;
  answer(context: AnswerContext): Answer;
}

/** One of the API's operations. */
export interface ModelOperation {
  /** As throttling names it, e.g. `ChatCompletions_Create`. */
  readonly id: string;
  /** As `OperationNotSupported` names it. */
  readonly shownName: string;
  readonly kind: ModelKind;
  /** Throws `ModelError` for a request that is wrong. */
  prepare(body: JsonObject): PreparedRequest;
}
