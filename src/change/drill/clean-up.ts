import type { GatewayError } from "../../errors.ts";
import { type Document, type DocumentId, documentKind, documentTitle, policyText } from "../../gateway/documents.ts";
import type { Gateway, GatewayReader } from "../../gateway/ports.ts";
import { holds, sameContent } from "../compare.ts";
import type { PlannedChange, PlannedDocument, Progress } from "../journal.ts";
import type { LeftBehind } from "../types.ts";
import { inDependencyOrder, type Written, writeDocument } from "../write.ts";

/** A document of a drill, and what it is now. */
interface Found {
  readonly document: PlannedDocument;
  readonly live: Document | null;
  /** `ours`: as the drill has written it. `edited`: someone else has edited it, and something of the drill is still in it. */
  readonly stands: "gone" | "ours" | "edited";
}

/** What a clean-up has come to. */
export interface CleanUp {
  readonly left: readonly LeftBehind[];
  /** What it has deleted or put back. */
  readonly removed: readonly DocumentId[];
  /** Whether it is worth the same again later. */
  readonly retryable: boolean;
}

/** What of a drill still stands; only reads. */
export async function leftBehind(reader: GatewayReader, change: PlannedChange, progress: Progress): Promise<readonly LeftBehind[]> {
  const found = await standing(reader, change, progress);
  const staying = editedIn(found);
  return found
    .filter(({ stands }) => stands !== "gone")
    .map((one) => (one.stands === "ours" && one.document.before === null ? stillNamed(one, found, staying) : null) ?? left(one));
}

/**
 * Takes a drill's documents away: what it has created is deleted, what it has changed is as it was before. Each only as the drill has written
 * it, and guarded by its ETag: an edit of someone else stays, with what it needs. Writes nothing else; can be done any number of times.
 */
export async function cleanUp(gateway: Gateway, change: PlannedChange, progress: Progress): Promise<CleanUp> {
  const found = await standing(gateway.reader(new AbortController().signal), change, progress);
  const staying = editedIn(found);
  let retryable = false;
  const removed: DocumentId[] = [];
  const own = found.filter(({ stands }) => stands === "ours");
  const steps = inDependencyOrder(
    own.map(({ document, live }) => ({ id: document.id, before: live, after: document.before?.properties ?? null })),
  );
  for (const step of steps) {
    const one = own.find(({ document }) => document.id === step.id);
    if (one === undefined || goesWithAnother(step.id, own, staying)) continue;
    const named = step.after === null ? stillNamed(one, found, staying) : null;
    if (named !== null) {
      staying.set(step.id, named);
      continue;
    }
    const written = await writeDocument(gateway, step);
    if (written.outcome === "applied") {
      removed.push(step.id);
      continue;
    }
    retryable ||= worthAgain(written);
    staying.set(step.id, { ...left(one), why: written.error.message });
  }
  return { left: [...staying.values()], removed, retryable };
}

/** What no clean-up takes away, by its id. */
type Staying = ReadonlyMap<DocumentId, LeftBehind>;

const editedIn = (found: readonly Found[]): Map<DocumentId, LeftBehind> =>
  new Map(found.filter(({ stands }) => stands === "edited").map((one) => [one.document.id, left(one)]));

async function standing(reader: GatewayReader, change: PlannedChange, progress: Progress): Promise<readonly Found[]> {
  const created = change.documents.filter(({ before }) => before === null).map(({ id }) => id);
  const read = await Promise.all(change.documents.map(async (document) => ({ document, live: await reader.document(document.id) })));
  const own = created.filter((id) => read.some(({ document, live }) => document.id === id && isAsWritten(document, live, progress)));
  return read.map(({ document, live }) => ({ document, live, stands: standOf(document, live, progress, { created, own }) }));
}

/** Assumed: a document that holds what was intended, and of which nothing is on record, was written by the drill whose process has ended. */
function isAsWritten({ id, before, after }: PlannedDocument, live: Document | null, { written }: Progress): boolean {
  if (live === null) return false;
  const record = written.get(id);
  return record === undefined
    ? holds(id, live.properties, after, before?.properties ?? null)
    : sameContent(id, live.properties, record?.properties ?? null);
}

/** What a drill has created, and what of that is still as it has written it. */
interface Creation {
  readonly created: readonly DocumentId[];
  readonly own: readonly DocumentId[];
}

function standOf(document: PlannedDocument, live: Document | null, progress: Progress, { created, own }: Creation): Found["stands"] {
  const { id, before } = document;
  const old = before?.properties ?? null;
  if (live === null || sameContent(id, live.properties, old)) return "gone";
  // What stands below someone else's revision of the same number is theirs.
  if (isAsWritten(document, live, progress) || isBelow(id, own)) return "ours";
  if (before === null) return "edited";
  // Someone else's edit that has nothing of the drill in it leaves nothing to clean up.
  return created.some((one) => policyText(live).includes(one.split("/").at(-1) ?? one)) ? "edited" : "gone";
}

/** Whether a document came into being with another one, and goes with it: the policies of a revision. */
const isBelow = (id: DocumentId, created: readonly DocumentId[]): boolean =>
  created.some((other) => documentKind(other) === "api_revision" && id.toLowerCase().startsWith(`${other.toLowerCase()}/`));

function goesWithAnother(id: DocumentId, own: readonly Found[], staying: Staying): boolean {
  const going = own.map(({ document }) => document.id).filter((other) => !staying.has(other));
  return isBelow(id, going);
}

/** A document that is to go, and that one which stays still names: the service would refuse, or calls would fail. Null where none does. */
function stillNamed(one: Found, found: readonly Found[], staying: Staying): LeftBehind | null {
  const { id } = one.document;
  const name = id.split("/").at(-1) ?? id;
  const user = found.find(
    ({ document, live }) => staying.has(document.id) && document.id !== id && JSON.stringify(live?.properties).includes(name),
  );
  if (user === undefined) return null;
  const { final } = staying.get(user.document.id) ?? { final: false };
  return { ...left(one), final, why: `still named by ${documentTitle(user.document.id)}` };
}

const transient: ReadonlySet<GatewayError["code"]> = new Set(["throttled", "unavailable", "unauthenticated", "conflict"]);

const worthAgain = (written: Exclude<Written, { outcome: "applied" }>): boolean => transient.has(written.error.code);

function left({ document: { id, before }, stands }: Found): LeftBehind {
  const removal = before === null ? `delete ${documentTitle(id)}` : `put ${documentTitle(id)} back as it was`;
  return stands === "edited"
    ? { id, why: "edited by someone else since the drill wrote it", final: true, todo: `look at the edit, then ${removal} by hand` }
    : { id, why: "not cleaned up yet", final: false, todo: `stop_drill, or the command 'azure-ai-gateway-mcp recover', to ${removal}` };
}
