/** Guards that an operator can allow to be overridden. Without imports: the configuration knows these names too. */
export const overridableGuards = [
  "policy_invalid",
  "limit_cut",
  "limit_raise",
  "shared_document",
  "no_backend_left",
  "base_removed",
  "auth_removed",
  "all_traffic",
  "credential_to_fault_origin",
] as const;

/** Guards that nobody can override. */
export const firmGuards = ["protected", "too_large"] as const;

type OverridableGuard = (typeof overridableGuards)[number];
export type GuardName = OverridableGuard | (typeof firmGuards)[number];

/** What an operator can protect. */
export const protectableKinds = ["api", "product", "subscription", "backend"] as const;

/** Something that no change may touch, by its id; ids are compared without regard to case. */
export interface Protected {
  readonly kind: (typeof protectableKinds)[number];
  readonly name: string;
}

/** What the operator of a process allows. */
export interface OperatorRules {
  readonly allowOverride: readonly string[];
  readonly protect: readonly Protected[];
}
