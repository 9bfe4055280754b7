import { GatewayError } from "../errors.ts";
import { type Document, type DocumentId, documentKind, documentTitle, type JsonObject } from "../gateway/documents.ts";
import type { Gateway, WriteReceipt } from "../gateway/ports.ts";
import { holds, sameContent } from "./compare.ts";

/** One write: the live document with its ETag, and what is to stand there. */
export interface Step {
  readonly id: DocumentId;
  readonly before: Document | null;
  readonly after: JsonObject | null;
}

/**
 * What has become of a write, as a read behind it shows. `applied`: the document is as intended; `refusal` where the
 * service said all the same that it had not taken the write, so that someone else may have written the very same. `not_applied`: the document is as it was. `conflict`: it is
 * neither as it was nor as intended. `unknown`: it could not be read, or is as it was under a write that ARM has not ended.
 */
export type Written =
  | { readonly outcome: "applied"; readonly stored: Document | null; readonly refusal: GatewayError | null }
  | { readonly outcome: "not_applied" | "conflict" | "unknown"; readonly error: GatewayError };

/**
 * Writes one document, guarded by its ETag, and reads it back. Never repeats a write: whatever ARM has answered, the
 * document itself decides, because a lost answer and a refused write look alike.
 */
export async function writeDocument(gateway: Gateway, step: Step): Promise<Written> {
  const { refusal, unfinished } = await write(gateway, step);
  let live: Document | null;
  try {
    live = await readBack(gateway, step.id);
  } catch (error) {
    return { outcome: "unknown", error: refusal ?? asGatewayError(error) };
  }
  const properties = live?.properties ?? null;
  const before = step.before?.properties ?? null;
  if (holds(step.id, properties, step.after, before)) {
    return { outcome: "applied", stored: live, refusal: isUnanswered(refusal) ? null : refusal };
  }
  if (sameContent(step.id, properties, before)) {
    return unfinished === null
      ? { outcome: "not_applied", error: refusal ?? withoutEffect(step.id) }
      : { outcome: "unknown", error: stillWriting(step.id, unfinished) };
  }
  return { outcome: "conflict", error: overwritten(step.id, refusal) };
}

/** The step that takes a written one back. */
export const inverse = ({ id, before }: Step, stored: Document | null): Step => ({ id, before: stored, after: before?.properties ?? null });

/**
 * Steps in the order of their dependencies: what others refer to is written first and deleted last, and nothing is
 * deleted before what referred to it has been rewritten.
 */
export function inDependencyOrder(steps: readonly Step[]): readonly Step[] {
  const writes = steps.filter(({ after }) => after !== null).sort((a, b) => rank(a) - rank(b));
  const deletes = steps.filter(({ after }) => after === null).sort((a, b) => rank(b) - rank(a));
  return [...writes, ...deletes];
}

function rank({ id, before, after }: Step): number {
  switch (documentKind(id)) {
    case "named_value":
      return 0;
    case "backend":
      return (after ?? before?.properties)?.pool === undefined ? 1 : 2;
    // A fragment may name a backend, and ARM refuses one that is not there.
    case "fragment":
      return 3;
    case "api_revision":
      return 4;
    case "policy":
      return 5;
  }
}

/** How ARM has answered a write; both null: the document is stored. */
interface Reply {
  readonly refusal: GatewayError | null;
  readonly unfinished: string | null;
}

async function write(gateway: Gateway, step: Step): Promise<Reply> {
  try {
    const receipt = await sent(gateway, step);
    return { refusal: null, unfinished: receipt?.unfinished ?? null };
  } catch (error) {
    return { refusal: asGatewayError(error), unfinished: null };
  }
}

/** Null where there is nothing to write: no document before, and none intended. */
async function sent(gateway: Gateway, { id, before, after }: Step): Promise<WriteReceipt | null> {
  const { writer } = gateway;
  if (after === null) return before === null ? null : writer.delete(id, { ifMatch: before.etag });
  const replaced = before ?? (comesWithAnother(id) ? await readBack(gateway, id) : null);
  return writer.put(id, after, replaced === null ? { ifNoneMatch: "*" } : { ifMatch: replaced.etag });
}

/** A revision of an API is created with the policies of the API that it is made of; what is to stand there replaces them. */
const comesWithAnother = (id: DocumentId): boolean => /^apis\/[^/]+;rev=\d+\/./i.test(id);

/** Each of them has the reader's own retries behind it. */
const longestReads = 3;

/**
 * The document as it stands after a write. A reader remembers what it has read and ends with its call; a write that has
 * begun must be followed up all the same, and what a read does not show now it may show soon.
 */
async function readBack(gateway: Gateway, id: DocumentId): Promise<Document | null> {
  for (let reads = 1; ; reads += 1) {
    try {
      return await gateway.reader(new AbortController().signal).document(id);
    } catch (error) {
      if (reads === longestReads || !(error instanceof GatewayError) || !error.retryable) throw error;
    }
  }
}

/** The writer's word for a write that may have taken effect: see the port. */
const isUnanswered = (refusal: GatewayError | null): boolean => refusal?.code === "unavailable" && !refusal.retryable;

/** How a promise has failed; null where it has not. */
export async function failureOf(work: Promise<unknown>): Promise<GatewayError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return asGatewayError(error);
  }
}

const asGatewayError = (error: unknown): GatewayError =>
  error instanceof GatewayError
    ? error
    : new GatewayError("internal", error instanceof Error ? error.message : String(error), { cause: error });

const withoutEffect = (id: DocumentId): GatewayError =>
  new GatewayError("unavailable", `Azure accepted the write of ${documentTitle(id)}, but still shows it as it was.`);

const stillWriting = (id: DocumentId, reason: string): GatewayError =>
  new GatewayError("unavailable", `Azure accepted the write of ${documentTitle(id)}, and was not seen to end it: ${reason}`);

function overwritten(id: DocumentId, refusal: GatewayError | null): GatewayError {
  return new GatewayError(
    "conflict",
    `Someone else has edited ${documentTitle(id)} at the same moment: it is neither as it was nor as planned.`,
    {
      ...(refusal === null ? {} : { cause: refusal, details: [refusal.message, ...refusal.details] }),
    },
  );
}
