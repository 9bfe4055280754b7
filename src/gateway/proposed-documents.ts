import { GatewayError } from "../errors.ts";
import { documentTitle, type JsonObject, type ListedDocument } from "./documents.ts";
import type { GatewayReader } from "./ports.ts";
import type { ProposedDocument } from "./proposal.ts";

/** A document of a change as a list or a read has shown it; `before` is null where it is new. */
interface ListedChange {
  readonly id: string;
  readonly before: ListedDocument | null;
  readonly after: JsonObject;
}

/**
 * The documents of a change as they are written: each read by itself for its ETag, as lists have none. Throws `conflict` where one is no longer as the
 * change was reckoned from.
 */
export async function proposedDocuments(reader: GatewayReader, changes: readonly ListedChange[]): Promise<readonly ProposedDocument[]> {
  return Promise.all(
    changes.map(async ({ id, before, after }) => {
      const document = await reader.document(id);
      if ((before?.properties.value ?? null) === (document?.properties.value ?? null)) return { id, before: document, after };
      throw new GatewayError("conflict", `${documentTitle(id)} was edited while this change was planned.`, {
        hint: "Plan it again.",
        retryable: true,
      });
    }),
  );
}
