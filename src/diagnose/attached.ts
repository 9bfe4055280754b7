import { sameName } from "../gateway/model.ts";
import type { Changed } from "./changes.ts";

/** Failures that began: as `Part` names their cause, and of which API they are. */
export interface Begun {
  readonly cause: string;
  readonly api: string | null;
}

/** Documents that policies are made of: what they do is not told by their names. */
const policyDocuments = /(?:^|\/)policies\/|^policyFragments\/|^namedValues\//i;

/** What a write to each kind of document can bring about, by the cause of the failures. */
const concerns: readonly (readonly [documents: RegExp, causes: RegExp])[] = [
  [/^backends\//i, /^error:(?!client)|^backend:|^gateway:rewritten|^rejected:(?:credential|deployment|request)$/],
  // Limits stand in the policies of products: those cannot make a backend fail.
  [/^products\/[^/]+\/policies\//i, /^gateway:|^error:(?:policy|unclassified|breaker)|^rejected:(?:policy|other|credential)$/],
  [/^products\//i, /^rejected:(?:key|address)$/],
  [/^subscriptions\//i, /^rejected:key$/],
  [/^apis\/[^/]+(?:\/operations\/[^/]+)?$/i, /^rejected:(?:address|key|deployment)$|^error:(?:backend|unreachable)$/],
  [policyDocuments, /^(?!error:client$)(?!rejected:(?:key|address)$)/],
  [/^certificates\//i, /^error:(?:unreachable|policy)|^rejected:credential$/],
  [/^caches\//i, /^error:policy$/],
  // The service itself: its identity, its network.
  [/^$/, /^error:|^rejected:(?:credential|address)$/],
];

/** What a change of limits can bring about, whatever documents it has written. */
const limiting = /^gateway:|^error:policy$/;

/** Whether a change can have brought about failures of this kind. */
export function attachable({ targets, tool, failed }: Pick<Changed, "targets" | "tool" | "failed">, { cause, api }: Begun): boolean {
  if (failed || (tool === "update_quota" && !limiting.test(cause))) return false;
  return targets.some((target) => {
    const [collection, name] = target.split("/");
    if (collection === "apis" && api !== null && name !== undefined && !sameName(name, api)) return false;
    const [, causes] = concerns.find(([documents]) => documents.test(target)) ?? [];
    return causes?.test(cause) === true;
  });
}
