import { GatewayError } from "../errors.ts";
import { type Document, type DocumentId, documentTitle, type JsonObject } from "../gateway/documents.ts";
import type { GatewayReader } from "../gateway/ports.ts";
import { changeIdMark, type Proposal, type ProposedDocument } from "../gateway/proposal.ts";
import { secretsOf } from "../gateway/secrets.ts";
import { openRedaction } from "../policy/redaction.ts";
import { holds, sameContent } from "./compare.ts";
import { unifiedDiff } from "./diff.ts";
import type { Journal, PlannedChange, PlannedDocument, Standing, StoredDocument } from "./journal.ts";

/**
 * The proposal that takes an applied change back: every document as it was before. A document that already is as it was
 * is left alone; one that is neither so nor as the change wrote it has been edited since: `conflict`, with both diffs in
 * the error's details, before to written and written to now. Of a change that failed, that is taken back which surely still stands as it
 * wrote it. So it is where a secret has been changed since, or is gone: the
 * journal has none, and an undo puts back those that the service has.
 */
export async function undoOf(journal: Journal, reader: GatewayReader, changeId: string, override: readonly string[]): Promise<Proposal> {
  const change = await journal.find(changeId);
  const standing = await journal.standing(change);
  if (standing.state !== "applied" && standing.state !== "failed") throw notApplied(change, standing);
  const [{ written, refused }, live] = await Promise.all([
    journal.progress(change),
    Promise.all(change.documents.map(async (document) => ({ document, live: await reader.document(document.id) }))),
  ]);
  const all = live.map((pair) => ({ ...pair, written: asWritten(pair.document, written) }));
  const stands = (pair: Found) => pair.written.recorded && !refused.has(pair.document.id) && !isBefore(pair) && isWritten(pair);
  const found = standing.state === "applied" ? all : all.filter(stands);
  if (found.length === 0) throw notApplied(change, standing);
  const edited = found.filter((pair) => !isBefore(pair) && !isWritten(pair));
  if (edited.length > 0) throw editedSince(change, edited);
  const lost = found.filter((pair) => !isBefore(pair)).flatMap(lostSecrets);
  if (lost.length > 0) throw secretsLost(change, lost);
  return {
    tool: "undo_change",
    action: `take back ${changeId} (${change.action})`,
    summary: `Undo of ${changeId}: ${change.summary}`,
    documents: found.map(restored),
    affected: change.affected,
    warnings: [],
    override,
    ...(change.showEffect === undefined ? {} : { after: change.showEffect.replaceAll(changeId, changeIdMark) }),
    undoes: changeId,
  };
}

interface LivePair {
  readonly document: PlannedDocument;
  readonly live: Document | null;
}

interface Found extends LivePair {
  readonly written: Written;
}

/** What a document held once the change was applied; null where it was deleted. */
interface Written {
  readonly properties: JsonObject | null;
  /** Whether it was read back; else it is what was planned, of which the service may have more. */
  readonly recorded: boolean;
}

/** A process that ended before it could record its last write leaves what it has planned. */
function asWritten({ id, after }: PlannedDocument, written: ReadonlyMap<DocumentId, StoredDocument | null>): Written {
  const record = written.get(id);
  return record === undefined ? { properties: after, recorded: false } : { properties: record?.properties ?? null, recorded: true };
}

const restored = ({ document, live }: LivePair): ProposedDocument => ({
  id: document.id,
  before: live,
  after: document.before?.properties ?? null,
});

const isBefore = ({ document, live }: LivePair): boolean =>
  sameContent(document.id, live?.properties ?? null, document.before?.properties ?? null);

function isWritten({ document: { id, before }, live, written: { properties, recorded } }: Found): boolean {
  const now = live?.properties ?? null;
  return recorded ? sameContent(id, now, properties) : holds(id, now, properties, before?.properties ?? null);
}

function editedSince({ changeId }: PlannedChange, edited: readonly Found[]): GatewayError {
  const names = edited.map(({ document }) => documentTitle(document.id)).join(", ");
  const secrets = edited.flatMap(changedSecrets);
  const redaction = openRedaction();
  return new GatewayError(
    "conflict",
    [`Edited since ${changeId} was applied: ${names}. An undo would lose that edit.`, ...changedSecretsText(secrets)].join(" "),
    {
      hint: "The details show what the change did and what has been edited since. Make the change that you want with the tool that planned the first one.",
      details: edited.flatMap(({ document: { id, before }, live, written: { properties } }) => {
        const was = { name: `${id} before ${changeId}`, properties: before?.properties ?? null };
        const wrote = { name: `${id} as ${changeId} wrote it`, properties };
        const now = { name: `${id} now`, properties: live?.properties ?? null };
        return [unifiedDiff(id, was, wrote, redaction), unifiedDiff(id, wrote, now, redaction)];
      }),
    },
  );
}

/** The secrets that the document still has, and has another value of, as `backend 'x' credentials.header.api-key.0`. */
function changedSecrets({ document: { id }, live, written: { properties } }: Found): readonly string[] {
  const now = secretsOf(id, live?.properties ?? {});
  const changed = [...secretsOf(id, properties ?? {})].filter(([path, marker]) => now.has(path) && now.get(path) !== marker);
  return changed.map(([path]) => `${documentTitle(id)} ${path}`);
}

const changedSecretsText = (secrets: readonly string[]): readonly string[] =>
  secrets.length === 0 ? [] : [`Secrets changed since, which are not shown: ${secrets.join(", ")}.`];

/** The secrets that were there before the change, and that nobody has any more to put back. */
function lostSecrets({ document: { id, before }, live }: LivePair): readonly string[] {
  const now = new Set(secretsOf(id, live?.properties ?? {}).values());
  const lost = [...secretsOf(id, before?.properties ?? {})].filter(([, marker]) => !now.has(marker));
  return lost.map(([path]) => `${documentTitle(id)} ${path}`);
}

const secretsLost = ({ changeId }: PlannedChange, lost: readonly string[]): GatewayError =>
  new GatewayError("conflict", `${changeId} cannot be undone from here: the service no longer holds the secrets ${lost.join(", ")}.`, {
    hint: "No secret is ever stored here. Set the document up in Azure again, with its secrets.",
  });

function notApplied({ changeId }: PlannedChange, { state, undoneBy }: Standing): GatewayError {
  return new GatewayError("invalid_input", `Change ${changeId} is ${state}, and nothing of it stands that could be undone.`, {
    hint:
      undoneBy === undefined
        ? "list_changes shows the changes and their states."
        : `To have it again, undo the undo: undo_change ${JSON.stringify({ change_id: undoneBy })}.`,
  });
}
