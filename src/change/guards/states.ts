import { type DocumentId, documentKind, type JsonObject, type ListedDocument } from "../../gateway/documents.ts";
import type { Inventory, PolicyTexts } from "../../gateway/inventory.ts";
import { type Subscription, sameName } from "../../gateway/model.ts";
import type { Proposal, ProposedDocument } from "../../gateway/proposal.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";

/** What guards judge: a change, and the service that it is made to. */
export interface Judged extends Pick<Proposal, "documents" | "drill" | "limits" | "policyErrors" | "teams"> {
  /** Null where it does not have to be known: see `reachesFurther`. */
  readonly service: JudgedService | null;
}

/** The whole service, and the grammar that its policies' expressions are read by. */
export interface JudgedService {
  readonly inventory: Inventory;
  readonly csharp: CSharp;
}

/** The service before and after a change. */
export interface States {
  readonly before: Inventory;
  readonly after: Inventory;
  readonly csharp: CSharp;
}

/** Those of the service and of its workspaces. */
export const subscriptionsOf = ({ subscriptions, workspaces }: Inventory): readonly Subscription[] => [
  ...subscriptions,
  ...workspaces.flatMap((workspace) => workspace.subscriptions),
];

export const statesOf = ({ service, documents }: Judged): States | null => (service === null ? null : statesIn(service, documents));

export const statesIn = ({ inventory, csharp }: JudgedService, documents: readonly ProposedDocument[]): States => ({
  before: withDocuments(inventory, documents, "before"),
  after: withDocuments(inventory, documents, "after"),
  csharp,
});

/** The texts of the policies before and after; those of the change alone where the service was not read. */
export function textsOf({ service, documents }: Judged): { readonly before: PolicyTexts; readonly after: PolicyTexts } {
  const texts: PolicyTexts = service?.inventory ?? { policies: new Map(), fragments: [], namedValues: [] };
  return { before: withTexts(texts, documents, "before"), after: withTexts(texts, documents, "after") };
}

type Side = "before" | "after";

export const propertiesOn = ({ before, after }: ProposedDocument, side: Side): JsonObject | null =>
  side === "after" ? after : (before?.properties ?? null);

function withDocuments(service: Inventory, documents: readonly ProposedDocument[], side: Side): Inventory {
  return { ...service, ...withTexts(service, documents, side), backends: replaced(service.backends, listed(documents, side, "backend")) };
}

function withTexts({ policies, fragments, namedValues }: PolicyTexts, documents: readonly ProposedDocument[], side: Side): PolicyTexts {
  const changed = listed(documents, side, "policy");
  return {
    policies: new Map(
      replaced([...policies.values()], changed).map(({ id, properties }) => [id, { id, properties, etag: policies.get(id)?.etag ?? "" }]),
    ),
    fragments: replaced(fragments, listed(documents, side, "fragment")),
    namedValues: replaced(namedValues, listed(documents, side, "named_value")),
  };
}

interface Changed {
  readonly id: DocumentId;
  readonly properties: JsonObject | null;
}

const listed = (documents: readonly ProposedDocument[], side: Side, kind: ReturnType<typeof documentKind>): readonly Changed[] =>
  documents
    .filter(({ id }) => documentKind(id) === kind)
    .map((document) => ({ id: document.id, properties: propertiesOn(document, side) }));

function replaced(documents: readonly ListedDocument[], changed: readonly Changed[]): readonly ListedDocument[] {
  const kept = documents.filter(({ id }) => !changed.some((document) => sameName(document.id, id)));
  return [...kept, ...changed.flatMap(({ id, properties }) => (properties === null ? [] : [{ id, properties }]))];
}
