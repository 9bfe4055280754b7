import { type DocumentId, documentKind } from "../gateway/documents.ts";
import type { Precondition } from "../gateway/ports.ts";
import { readLiveDocument } from "./documents.ts";
import type { Arm } from "./pipeline.ts";

const firstDelayMs = 1000;

/**
 * How long a write may still take effect after its answer was lost. Assumed: nobody documents it; policies were seen to be
 * answered within a second, and long-running writes to be done when they were first asked for, after 30 s.
 */
const longestWaitMs = { policy: 10_000, backend: 10_000, fragment: 60_000, named_value: 60_000, api_revision: 60_000 } as const;

/**
 * Waits for a write that may have been sent and was not answered: the service may still be at it, and a read would show
 * the document as it was. Ends as soon as the document is not the one that the write was to replace; without a word
 * where it stays that one, or cannot be read.
 */
export async function untilSettled(arm: Arm, id: DocumentId, precondition: Precondition): Promise<void> {
  let delay = firstDelayMs;
  for (let waited = 0; !(await isReplaced(arm, id, precondition)); waited += delay, delay *= 2) {
    if (waited >= longestWaitMs[documentKind(id)]) return;
    await arm.wait(delay);
  }
}

async function isReplaced(arm: Arm, id: DocumentId, precondition: Precondition): Promise<boolean> {
  try {
    const etag = (await readLiveDocument(arm, id))?.etag ?? null;
    return etag !== ("ifMatch" in precondition ? precondition.ifMatch : null);
  } catch {
    // Whoever compares the document afterwards meets the same failure, and reports it.
    return false;
  }
}
