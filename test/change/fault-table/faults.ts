import type { ErrorCode } from "../../../src/errors.ts";
import type { FaultOutcome } from "../../../src/sandbox/faults.ts";
import type { OperationShape } from "../../../src/sandbox/world.ts";

/** What befalls the write of one document. */
export interface WriteFault {
  readonly name: string;
  /** Whether the document is written all the same. */
  readonly takesEffect: boolean;
  /** How the change ends where it is not; by document kind where ARM's answer means another thing for another kind. */
  readonly code: ErrorCode | "rejected";
  /** Null: someone else writes the document just before. */
  readonly outcome: FaultOutcome | null;
}

const answer = (status: number, code: string, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers,
  body: { error: { code, message: "Scripted.", details: null } },
});

const refusal = (name: string, code: WriteFault["code"], scripted: ReturnType<typeof answer>): WriteFault => ({
  name,
  takesEffect: false,
  code,
  outcome: { kind: "answer", ...scripted },
});

const lost = (name: string, outcome: FaultOutcome): WriteFault => ({ name, takesEffect: true, code: "unavailable", outcome });

export const lostAnswer: WriteFault = lost("reset after", { kind: "reset_after_apply" });
const resetBefore: WriteFault = { name: "reset before", takesEffect: false, code: "unavailable", outcome: { kind: "reset_before_apply" } };
export const resets = [resetBefore, lostAnswer];

/** What the service says against the document itself. */
export const rejection = {
  name: "400",
  takesEffect: false,
  code: "rejected",
  outcome: { kind: "answer", ...answer(400, "ValidationError") },
} as const;

export const refusedAlthoughWritten: WriteFault = lost("412 although it is written", {
  kind: "answer_after_apply",
  ...answer(412, "PreconditionFailed"),
});
/** Someone else writes just before, and what was intended. */
export const theVerySame: WriteFault = {
  name: "someone else's write of the very same",
  takesEffect: true,
  code: "conflict",
  outcome: null,
};

/** That every kind of write may meet. */
export const writeFaults: readonly WriteFault[] = [
  rejection,
  refusal("412 before", "conflict", answer(412, "PreconditionFailed")),
  refusal("409", "conflict", answer(409, "PessimisticConcurrencyConflict")),
  refusal("422", "conflict", answer(422, "ManagementApiRequestFailed")),
  refusal("429 with Retry-After", "throttled", answer(429, "SubscriptionRequestsThrottled", { "retry-after": "1" })),
  refusal("429 without Retry-After", "throttled", answer(429, "TooManyRequests")),
  refusal("500", "unavailable", answer(500, "InternalServerError")),
  refusal("503", "unavailable", answer(503, "ServiceUnavailable", { "retry-after": "0" })),
  resetBefore,
  { name: "someone else's write", takesEffect: false, code: "conflict", outcome: null },
  refusedAlthoughWritten,
  lost("500 although it is written", { kind: "answer_after_apply", ...answer(500, "InternalServerError") }),
  lostAnswer,
  lost("truncated body", { kind: "truncated_after_apply" }),
  lost("slow drip past the timeout", { kind: "drip_after_apply" }),
];

/** How a long-running write is answered and ends. */
export interface OperationFault extends WriteFault {
  readonly shape: OperationShape;
}

const failed = (code: string): FaultOutcome => ({ kind: "failed_operation", error: { code, message: "Scripted.", details: null } });

export const operationFaults: readonly OperationFault[] = [
  { name: "LRO that fails with 200", takesEffect: false, code: "rejected", outcome: failed("ValidationError"), shape: "created" },
  {
    name: "LRO whose status says Failed",
    takesEffect: false,
    code: "rejected",
    outcome: failed("ValidationError"),
    shape: "async_operation",
  },
  { name: "LRO that answers 400", takesEffect: false, code: "rejected", outcome: failed("ValidationError"), shape: "created_or_400" },
  { name: "LRO accepted, then 400", takesEffect: false, code: "rejected", outcome: failed("ValidationError"), shape: "accepted" },
  {
    name: "LRO that fails for no reason",
    takesEffect: false,
    code: "unavailable",
    outcome: failed("InternalServerError"),
    shape: "created",
  },
];

export const shapes: readonly OperationShape[] = ["accepted", "async_operation", "created", "created_or_400"];

/** What befalls a read. */
export interface ReadFault {
  readonly name: string;
  readonly code: ErrorCode;
  readonly outcome: FaultOutcome;
  /** The tries of one read: the adapter repeats it where that may help. */
  readonly tries: number;
  /** After so many of them it recovers, in time for whoever reads on. */
  readonly passing: number;
}

export const unreadable: ReadFault = {
  name: "500",
  code: "unavailable",
  outcome: { kind: "answer", ...answer(500, "InternalServerError") },
  tries: 4,
  passing: 9,
};

export const readFaults: readonly ReadFault[] = [
  unreadable,
  { name: "reset", code: "unavailable", outcome: { kind: "reset_before_apply" }, tries: 4, passing: 9 },
  { name: "truncated body", code: "unavailable", outcome: { kind: "truncated_after_apply" }, tries: 1, passing: 2 },
  { name: "slow drip past the timeout", code: "unavailable", outcome: { kind: "drip_after_apply" }, tries: 1, passing: 1 },
  {
    name: "429 with a long Retry-After",
    code: "throttled",
    outcome: { kind: "answer", ...answer(429, "SubscriptionRequestsThrottled", { "retry-after": "400" }) },
    tries: 1,
    passing: 1,
  },
];

export const isDrip = ({ outcome }: { readonly outcome: FaultOutcome | null }): boolean => outcome?.kind === "drip_after_apply";
