import { GatewayError } from "../errors.ts";
import { type Read, type Refusal, type Values, valuesOf } from "./reads.ts";

export const symptoms = ["403", "429", "5xx", "latency", "cache", "failover", "logging"] as const;

/** What somebody has noticed. */
export type Symptom = (typeof symptoms)[number];

export const checkNames = [
  "access",
  "limits",
  "quotas",
  "deployments",
  "deployment-limits",
  "backend-errors",
  "backend-masked-errors",
  "backend-connection",
  "breakers",
  "policy-failures",
  "unexplained-errors",
  "clients",
  "keys",
  "backend-access",
  "refusals",
  "addresses",
  "requests",
  "latency",
  "cache-pair",
  "cache-embeddings",
  "cache-redis",
  "cache-threshold",
  "cache-vary-by",
  "cache-streaming",
  "cache-hits",
  "failover-backends",
  "failover-members",
  "failover-breakers",
  "failover-retry",
  "models",
  "logging",
  "policies",
  "lints",
  "certificates",
  "platform",
  "changes",
] as const;

export type CheckName = (typeof checkNames)[number];

/** What a check has come to. */
export type Finding =
  /** `remark`: what is fine and yet worth a word. */
  | { readonly status: "ok"; readonly remark?: string }
  | { readonly status: "problem"; readonly seen: string; readonly means: string; readonly do: string }
  /** `refusals`: the reads that it needs, and why there is nothing of them. */
  | { readonly status: "unknown"; readonly refusals: readonly Refusal[] };

export type Check = { readonly check: CheckName } & Finding;

export const ok = (remark?: string): Finding => (remark === undefined ? { status: "ok" } : { status: "ok", remark });

/** Unknown for a reason that is no refusal of Azure's. */
export const untold = (why: string, todo: string): Finding => ({
  status: "unknown",
  refusals: [{ read: "traffic", error: new GatewayError("not_found", why, { hint: todo }) }],
});

export const problem = (seen: string, means: string, todo: string): Finding => ({ status: "problem", seen, means, do: todo });

/** What a check says where all that it needs was read; unknown, for every reason there is, where not. */
export function knowing<R extends Readonly<Record<string, Read<unknown>>>>(reads: R, check: (values: Values<R>) => Finding): Finding;
export function knowing<R extends Readonly<Record<string, Read<unknown>>>>(
  reads: R,
  check: (values: Values<R>) => Finding | null,
): Finding | null;
export function knowing<R extends Readonly<Record<string, Read<unknown>>>>(
  reads: R,
  check: (values: Values<R>) => Finding | null,
): Finding | null {
  const read = valuesOf(reads);
  return "values" in read ? check(read.values) : { status: "unknown", refusals: read.refusals };
}
