import { documentTitle, policyScopeOf, policyText } from "../gateway/documents.ts";
import type { Inventory } from "../gateway/inventory.ts";
import { parse } from "../policy/document.ts";
import { type ReviewDiagnostic, review } from "../policy/review.ts";
import { appliedBeside, referencesOf } from "../policy/surroundings.ts";
import { findingsOf } from "../pool/findings.ts";
import { resolveRoutes } from "../pool/routes.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import { apisAsked, concerns, servingInventory, servingReads } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { retryCodes } from "./failover.ts";
import { short } from "./wording.ts";

interface Placed {
  readonly title: string;
  readonly diagnostic: ReviewDiagnostic;
}

/** What checks of their own say, better: those of the cache and of failover. */
const elsewhere: readonly string[] = [
  "cache-lookup-without-store",
  "cache-store-without-lookup",
  "cache-with-streaming",
  "loose-cache-threshold",
];

function diagnosticsOf(inventory: Inventory, evidence: Evidence): readonly Placed[] {
  const { service, policies, fragments } = inventory;
  const references = referencesOf(inventory);
  const known = new Set([
    ...elsewhere,
    ...(hasRetryFinding(inventory, evidence) ? ["retry-without-buffered-body", "retry-beyond-pool"] : []),
  ]);
  return [...policies.values(), ...fragments]
    .filter(({ id }) => concerns(id, inventory, evidence))
    .flatMap((document) => {
      const scope = policyScopeOf(document.id);
      const found = review(parse(policyText(document)), {
        csharp: evidence.csharp,
        scope: scope?.kind ?? "fragment",
        tier: service.tier,
        // Templates of an operation have parameters that are not read here.
        inventory: scope?.kind === "operation" ? { ...references, templateParameters: undefined } : references,
        ...(scope === null ? {} : { others: appliedBeside(inventory, scope) }),
      });
      return found
        .filter(
          ({ code, message }) => !known.has(code) && !(code === "missing-backend" && /semantic-cache|set-backend-service/.test(message)),
        )
        .map((diagnostic) => ({ title: documentTitle(document.id), diagnostic }));
    });
}

const hasRetryFinding = (inventory: Inventory, evidence: Evidence): boolean =>
  apisAsked(inventory, evidence)
    .flatMap((apiId) => findingsOf(resolveRoutes(inventory, evidence.csharp, apiId), inventory.service.tier))
    .some(({ code }) => retryCodes.some((known) => known === code));

const ofDiagnostics = (evidence: Evidence, severity: ReviewDiagnostic["severity"], means: string): Finding =>
  knowing(servingReads(evidence), (read) => {
    const found = diagnosticsOf(servingInventory(read), evidence).filter(({ diagnostic }) => diagnostic.severity === severity);
    const [first] = found;
    if (first === undefined) return ok();
    const { line, message, fix } = first.diagnostic;
    const more = found.length > 1 ? ` And ${found.length - 1} more.` : "";
    return problem(`${first.title}, line ${line}: ${short(message, 200)}${more}`, means, `${fix ?? "Mend the line"} (apply_policy)`);
  });

/** What the service would refuse, were it written today. */
export const policies = (evidence: Evidence): Finding =>
  ofDiagnostics(evidence, "error", "Such a policy fails when it runs, or cannot be saved again.");

/** What it takes, and does harm. */
export const lints = (evidence: Evidence): Finding =>
  ofDiagnostics(evidence, "warning", "The service takes it; an AI gateway is better off without.");
