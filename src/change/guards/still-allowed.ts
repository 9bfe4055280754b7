import { GatewayError } from "../../errors.ts";
import { readInventory } from "../../gateway/inventory.ts";
import type { GatewayReader } from "../../gateway/ports.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import type { PlannedChange } from "../journal.ts";
import type { OperatorRules } from "./names.ts";
import { protection } from "./protection.ts";
import { statesOf } from "./states.ts";

/**
 * Whether a plan may still be applied by the process that applies it, which need not be the one that planned it: each override in it is one
 * that this process allows, and nothing that this process protects is touched, on the service as it is now. `guarded` otherwise. Reads the
 * service only where something is protected.
 */
export async function assertStillAllowed(
  change: PlannedChange,
  rules: OperatorRules,
  reader: GatewayReader,
  grammar: () => Promise<CSharp>,
): Promise<void> {
  const refused = (change.overridden ?? []).filter((name) => !rules.allowOverride.includes(name));
  if (refused.length > 0) {
    throw new GatewayError(
      "guarded",
      `${change.changeId} overrides ${refused.join(", ")}, which this server does not allow. Nothing was written.`,
      {
        hint: `The operator lists ${refused.join(", ")} in AIGW_ALLOW_OVERRIDE, or plan the change again without the override.`,
      },
    );
  }
  if (rules.protect.length === 0) return;
  const judged = {
    documents: [...(change.testPath?.documents ?? []), ...change.documents].map(({ id, before, after }) => ({
      id,
      before: before === null ? null : { id, ...before },
      after,
    })),
    service: { inventory: await readInventory(reader), csharp: await grammar() },
  };
  const objections = protection.objections({ ...judged, states: statesOf(judged), protect: rules.protect }) ?? [];
  if (objections.length === 0) return;
  throw new GatewayError("guarded", `${objections.join(" ")} Nothing was written.`, {
    hint: "No override counts against AIGW_PROTECT; only the operator can take something off it.",
  });
}
