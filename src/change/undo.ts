import { GatewayError } from "../errors.ts";
import { type Document, documentTitle } from "../gateway/documents.ts";
import type { GatewayReader } from "../gateway/ports.ts";
import type { Proposal, ProposedDocument } from "../gateway/proposal.ts";
import { sameContent } from "./compare.ts";
import { unifiedDiff } from "./diff.ts";
import type { Journal, PlannedChange, PlannedDocument, Standing, StoredDocument } from "./journal.ts";

/**
 * The proposal that takes an applied change back: every document as it was before. A document that already is as it was
 * is left alone; one that is neither so nor as the change wrote it has been edited since: `conflict`, with the diff in
 * the error's details.
 */
export async function undoOf(journal: Journal, reader: GatewayReader, changeId: string, override: readonly string[]): Promise<Proposal> {
  const change = await journal.find(changeId);
  const standing = await journal.standing(change);
  if (standing.state !== "applied") throw notApplied(change, standing);
  const [written, live] = await Promise.all([
    journal.written(change),
    Promise.all(change.documents.map(async (document) => ({ document, live: await reader.document(document.id) }))),
  ]);
  const edited = live.filter((pair) => !isBefore(pair) && !isWritten(pair, written.get(pair.document.id) ?? null));
  if (edited.length > 0) throw editedSince(change, edited, written);
  return {
    tool: "undo_change",
    action: `undo ${changeId}: ${change.action}`,
    summary: `Undo of ${changeId}: ${change.summary}`,
    documents: live.map(restored),
    affected: change.affected,
    warnings: [],
    override,
    ...(change.showEffect === undefined ? {} : { after: change.showEffect }),
    undoes: changeId,
  };
}

interface LivePair {
  readonly document: PlannedDocument;
  readonly live: Document | null;
}

const restored = ({ document, live }: LivePair): ProposedDocument => ({
  id: document.id,
  before: live,
  after: document.before?.properties ?? null,
});

const isBefore = ({ document, live }: LivePair): boolean =>
  sameContent(document.id, live?.properties ?? null, document.before?.properties ?? null);

const isWritten = ({ document, live }: LivePair, written: StoredDocument | null): boolean =>
  sameContent(document.id, live?.properties ?? null, written?.properties ?? null);

function editedSince(
  { changeId }: PlannedChange,
  edited: readonly LivePair[],
  written: ReadonlyMap<string, StoredDocument | null>,
): GatewayError {
  const names = edited.map(({ document }) => documentTitle(document.id)).join(", ");
  return new GatewayError("conflict", `Edited since ${changeId} was applied: ${names}. An undo would lose that edit.`, {
    hint: "The details show what has been edited. Make the change that you want with the tool that planned the first one.",
    details: edited.map(({ document: { id }, live }) =>
      unifiedDiff(
        id,
        { name: `${id} as ${changeId} wrote it`, properties: written.get(id)?.properties ?? null },
        { name: `${id} now`, properties: live?.properties ?? null },
      ),
    ),
  });
}

function notApplied({ changeId }: PlannedChange, { state, undoneBy }: Standing): GatewayError {
  return new GatewayError("invalid_input", `Change ${changeId} is ${state}; only an applied change can be undone.`, {
    hint:
      undoneBy === undefined
        ? "list_changes shows the changes and their states."
        : `To have it again, undo the undo: undo_change ${JSON.stringify({ change_id: undoneBy })}.`,
  });
}
