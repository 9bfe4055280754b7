import { GatewayError } from "../../errors.ts";
import type { GuardResult } from "../types.ts";
import { authRemoved } from "./authentication.ts";
import { noBackendLeft } from "./backends.ts";
import { allTraffic, credentialToFaultOrigin } from "./drills.ts";
import type { Guard, Subject } from "./guard.ts";
import { limitCut, limitRaise, sharedDocument } from "./limits.ts";
import { type GuardName, type OperatorRules, overridableGuards } from "./names.ts";
import { baseRemoved, policyInvalid, tooLarge } from "./policies.ts";
import { protection } from "./protection.ts";
import { type Judged, statesOf } from "./states.ts";

export type { Judged } from "./states.ts";

const guards: readonly Guard[] = [
  policyInvalid,
  limitCut,
  limitRaise,
  sharedDocument,
  noBackendLeft,
  baseRemoved,
  authRemoved,
  allTraffic,
  credentialToFaultOrigin,
  protection,
  tooLarge,
];

/** Whether an operator can allow to override it at all. */
const isOverridable = (name: GuardName): boolean => overridableGuards.some((overridable) => overridable === name);

export interface Verdicts {
  /** Of the guards that have something to judge. */
  readonly guards: readonly GuardResult[];
  /** What the guards have to say besides. */
  readonly warnings: readonly string[];
}

/**
 * Judges a change. An override counts where the guard can be overridden and the operator lists it in `allowOverride`. What a guard cannot
 * follow speaks against the change. `invalid_input` where `override` names no guard; else it never throws.
 */
export function judge(change: Judged, override: readonly string[], { allowOverride, protect }: OperatorRules): Verdicts {
  const unknown = override.filter((name) => guards.every((guard) => guard.name !== name));
  if (unknown.length > 0) {
    throw new GatewayError("invalid_input", `Unknown guard in override: ${unknown.join(", ")}.`, {
      hint: `Guards: ${guards.map(({ name }) => name).join(", ")}.`,
    });
  }
  const subject = { ...change, states: statesOf(change), protect };
  return {
    guards: guards.flatMap((guard) => {
      const objections = objectionsOf(guard, subject);
      if (objections === null) return [];
      if (objections.length === 0) return [{ name: guard.name, verdict: "passed", message: guard.passed }];
      return [objection(guard.name, objections.join(" "), override.includes(guard.name), allowOverride.includes(guard.name))];
    }),
    warnings: guards.flatMap(({ remarks }) => remarks?.(subject) ?? []),
  };
}

function objectionsOf(guard: Guard, subject: Subject): readonly string[] | null {
  try {
    return guard.objections(subject);
  } catch (error) {
    if (error instanceof GatewayError && error.code === "unsupported") return [`This cannot be judged: ${error.message}`];
    throw error;
  }
}

function objection(name: GuardName, message: string, asked: boolean, allowed: boolean): GuardResult {
  if (!asked) return { name, verdict: "blocked", message };
  if (!isOverridable(name)) return { name, verdict: "blocked", message: `${message} This guard cannot be overridden.` };
  if (allowed) return { name, verdict: "overridden", message };
  return { name, verdict: "blocked", message: `${message} It can be overridden only where the operator lists it in AIGW_ALLOW_OVERRIDE.` };
}

/** What a caller can do about the guards that block: which override the operator allows, and which he would have to. */
export function waysOut(blocked: readonly GuardResult[], allowOverride: readonly string[]): string {
  const names = overridableGuards.filter((name) => blocked.some((result) => result.name === name));
  if (names.length < blocked.length) return "Change the call so that the guards pass.";
  const missing = names.filter((name) => !allowOverride.includes(name));
  const again = `plan again with override: ${JSON.stringify(names)}`;
  return missing.length === 0
    ? `Change the call so that the guards pass; or, if the user wants exactly this, ${again}.`
    : `Change the call so that the guards pass; or the operator lists ${missing.join(", ")} in AIGW_ALLOW_OVERRIDE, then ${again}.`;
}
