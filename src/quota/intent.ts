import type { Subscription } from "../gateway/model.ts";
import type { CSharp } from "../policy/expression-syntax.ts";
import { laterSignatures, laterState } from "./audience.ts";
import type { Way } from "./edits/change-limit.ts";
import type { Limit } from "./limit.ts";
import { changedTeams, limitsWithout, openSignatures, type State, stateOf, teamIn } from "./proof.ts";
import { candidate } from "./target.ts";

/** What all steps of one plan share. */
export interface Planning {
  readonly csharp: CSharp;
  readonly subscription: Subscription;
  readonly name: string;
}

/** What an edit is meant to do to the team's own limits. */
interface Intent {
  /** Those that go. */
  readonly gone: readonly Limit[];
  readonly kind: Limit["kind"];
  /** What comes in their place; null where nothing has to. */
  readonly value: number | null;
}

/** The state behind an edit where it does what it is meant to and nothing else; else why not. */
export function proven({ csharp, name, subscription }: Planning, before: State, later: State, way: Way, intent: Intent): State | string {
  const after = stateOf(way.inventory, csharp);
  const others = changedTeams(before, after, name);
  if (others.length > 0) return `the limits or counters of ${others.slice(0, 5).join(", ")} would not stay as they are`;
  if (!way.forLater) {
    const [was, is] = laterSignatures(later, laterState({ inventory: way.inventory, csharp }, subscription));
    if (was !== is) return "subscriptions that are created later would meet it";
  }
  const [team, then] = [teamIn(before, name), teamIn(after, name)];
  const signatures = openSignatures();
  const gone = limitsWithout(team.limits, then.limits, signatures);
  const come = limitsWithout(then.limits, team.limits, signatures);
  // A limit that counts by another key takes the other limit of its element along.
  const kept = way.counts === "anew" ? come.filter(({ kind }) => kind !== intent.kind) : [];
  const moved = gone.filter((limit) => limit.kind !== intent.kind && kept.some((one) => sameNumber(one, limit)));
  const unmeant = gone.filter(
    (limit) => !moved.includes(limit) && !intent.gone.some((one) => signatures.limit(one) === signatures.limit(limit)),
  );
  if (unmeant.length > 0) return `its limit ${unmeant[0]?.limitId ?? ""} would not stay as it is`;
  const arrived = come.filter((limit) => limit.kind === intent.kind || !kept.includes(limit));
  if (intent.value === null) {
    const unknown = arrived.find(({ amount }) => amount.status !== "value");
    return unknown === undefined ? after : `what is left would be ${candidate(unknown, then)}`;
  }
  const [only, ...more] = arrived;
  if (only === undefined || more.length > 0 || only.kind !== intent.kind || !isNumber(only, intent.value)) {
    const found = arrived.map((one) => candidate(one, then)).join("; ");
    return found === "" ? `nothing of it would come to be ${intent.value}` : `in place of ${intent.value} it would come to ${found}`;
  }
  if (intent.gone.length === 0 && only.conditions.length > 0) return "it would apply to some of its calls only";
  const conflicts = then.warnings.filter(
    (warning) => !team.warnings.includes(warning) && new RegExp(`\\b${intent.value} \\(`).test(warning),
  );
  return conflicts[0] ?? after;
}

const isNumber = ({ amount }: Limit, value: number): boolean => amount.status === "value" && amount.value === value;

const sameNumber = (a: Limit, b: Limit): boolean =>
  a.kind === b.kind && a.period === b.period && b.amount.status === "value" && isNumber(a, b.amount.value);
