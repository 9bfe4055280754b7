import { createHash } from "node:crypto";
import { GatewayError } from "../errors.ts";
import { type DocumentId, isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import type { DocumentWriter, Gateway, WriteReceipt } from "../gateway/ports.ts";
import type { Proposal } from "../gateway/proposal.ts";
import { canonicalContent } from "./compare.ts";
import type { Journal, PlannedChange } from "./journal.ts";
import type { AuditedDocument, AuditTrail, Plan } from "./types.ts";

/** A trail that nobody reads. */
export const unheard: AuditTrail = { planned() {}, applying() {}, wrote() {} };

/** Tells the trail of a plan: of those documents alone that it changes. */
export function tellPlan(trail: AuditTrail, { documents, testPath, undoes }: Proposal, plan: Plan): void {
  const changed = new Set(plan.documents.map(({ id }) => id));
  trail.planned({
    status: plan.status,
    planId: plan.planId ?? null,
    documents: [...(testPath?.documents ?? []), ...documents].filter(({ id }) => changed.has(id)).map(auditedDocument),
    guards: plan.guards,
    undoes: undoes ?? null,
  });
}

/** The journal; the trail hears which change is looked up in order to be applied. */
export const auditedJournal = (journal: Journal, trail: AuditTrail): Journal => ({
  ...journal,
  async find(changeId) {
    const change = await journal.find(changeId);
    // Test calls are told of with the change that they are for.
    if (change.tests === undefined) tellChange(trail, change);
    return change;
  },
});

function tellChange(trail: AuditTrail, { changeId, documents, testPath, undoes }: PlannedChange): void {
  const all = [...(testPath?.documents ?? []), ...documents];
  trail.applying({ changeId, documents: all.map(auditedDocument), undoes: undoes ?? null });
}

/** The gateway; the trail hears of every write, and of what Azure has answered to it. */
export const auditedGateway = (gateway: Gateway, trail: AuditTrail): Gateway => ({
  ...gateway,
  writer: auditedWriter(gateway.writer, trail),
});

function auditedWriter(writer: DocumentWriter, trail: AuditTrail): DocumentWriter {
  const told = async (id: DocumentId, properties: JsonObject | null, write: () => Promise<WriteReceipt>): Promise<WriteReceipt> => {
    const sent = contentHash(id, properties);
    try {
      const receipt = await write();
      trail.wrote({ id, sent, answer: "accepted", correlationId: receipt.correlationId });
      return receipt;
    } catch (error) {
      const { code, correlationId = null } = error instanceof GatewayError ? error : new GatewayError("internal", "");
      trail.wrote({ id, sent, answer: code, correlationId });
      throw error;
    }
  };
  return {
    put: (id, properties, precondition) => told(id, properties, () => writer.put(id, properties, precondition)),
    delete: (id, precondition) => told(id, null, () => writer.delete(id, precondition)),
  };
}

interface BeforeAndAfter {
  readonly id: DocumentId;
  readonly before: { readonly properties: JsonObject } | null;
  readonly after: JsonObject | null;
}

const auditedDocument = ({ id, before, after }: BeforeAndAfter): AuditedDocument => ({
  id,
  before: contentHash(id, before?.properties ?? null),
  after: contentHash(id, after),
});

/**
 * The first 64 bits of the SHA-256 of what a document means: equal for two texts that APIM's reformatting makes of one
 * another, whatever the order of members. Null where there is no document.
 */
export function contentHash(id: DocumentId, properties: JsonObject | null): string | null {
  if (properties === null) return null;
  return createHash("sha256")
    .update(JSON.stringify(ordered(canonicalContent(id, properties))))
    .digest("hex")
    .slice(0, 16);
}

/** The value with the members of its objects in the order of their names. */
function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, ordered(value[name] ?? null)]),
  );
}
