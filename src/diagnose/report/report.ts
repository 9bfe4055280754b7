import { readInventory } from "../../gateway/inventory.ts";
import type { Prices } from "../../gateway/prices.ts";
import type { CSharp } from "../../policy/expression-syntax.ts";
import { teamLimits } from "../../quota/limits.ts";
import { type GovernedTraffic, readGovernedTraffic } from "../../usage/governance/traffic.ts";
import { readGround, type UsageGround } from "../../usage/report.ts";
import { windowBack } from "../../usage/subscription-usage.ts";
import { metricsWindow } from "../../usage/window.ts";
import { type Diagnosis, diagnose } from "../diagnose.ts";
import { attempt, type OwnChange, type Readers } from "../reads.ts";
import { type ReportedTeams, reportedTeams } from "./teams.ts";

/** A change that was made through this server, and by which tool. */
interface ReportedChange extends OwnChange {
  readonly tool: string;
}

/** A failover drill and what it has shown. */
export interface ReportedDrill {
  readonly drillId: string;
  /** What was taken away from whom, in words. */
  readonly drill: string;
  readonly state: string;
  /** When it acted, ISO 8601, UTC; null where it never did. */
  readonly window: { readonly from: string; readonly until: string } | null;
  /** Null where it is not over, or its records are not clear. */
  readonly verdict: string | null;
}

/** What a report is read through; bound to one call. */
interface ReportReaders extends Omit<Readers, "changes"> {
  /** This caller's, newest first. */
  readonly changes: {
    list(
      limit: number,
      filter: { readonly since: Date },
    ): Promise<{ readonly changes: readonly ReportedChange[]; readonly leftOut: number }>;
  };
  readonly drill: (drillId: string) => Promise<ReportedDrill>;
}

interface ReportAsked {
  /** How long the window is, as an ISO 8601 duration of at most 31 days. */
  readonly duration: string;
  /** Where it ends; where left out, as far as data is complete. */
  readonly until?: string | undefined;
  readonly prices: Prices | null;
}

/** All that the page says. */
export interface GovernanceReport {
  readonly traffic: GovernedTraffic;
  readonly teams: ReportedTeams;
  /** Made, or begun and not ended, in the window; drills apart; newest first. `leftOut`: how many older ones nobody has looked at. */
  readonly changes: readonly ReportedChange[] | "unknown";
  readonly drills: readonly ReportedDrill[];
  readonly leftOut: number;
  /** Of the window; null where it could not be made. */
  readonly findings: Pick<Diagnosis, "problems" | "unknown"> | null;
  /** What keeps the report from being whole, and the command that mends it. */
  readonly missing: readonly { readonly what: string; readonly fix?: string }[];
  readonly notes: readonly string[];
}

const mostChanges = 200;
const mostDrills = 10;
const mostMissing = 5;

/** What has been planned alone is no change. */
const made = new Set(["applied", "undone", "rolled_back", "failed", "applying", "claimed"]);

/** Log Analytics keeps rows so long where nobody has set more: https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure */
const keptDays = 30;
const dayMs = 86_400_000;

/**
 * A governance report of the whole service. Rejects where neither logs nor platform metrics can be read; what else is refused is unknown. Throws
 * `invalid_input` for a duration or an end that cannot be.
 */
export async function readGovernanceReport(
  readers: ReportReaders,
  { duration, until, prices }: ReportAsked,
  grammar: () => Promise<CSharp>,
  now: Date,
): Promise<GovernanceReport> {
  // What cannot be read is refused before anything is asked.
  const end = until === undefined ? null : endOf(until, now);
  windowBack("report", duration, end ?? now);
  const ground = await readGround(readers, undefined, now);
  const window = windowBack("report", duration, end ?? ground.complete);
  const csharp = await grammar();
  const [traffic, inventory, log, activity, findings] = await Promise.all([
    readGovernedTraffic(readers, ground, window, prices, now),
    attempt("policies", readInventory(readers.gateway)),
    attempt("journal", readers.changes.list(mostChanges, { since: window.since })),
    attempt("activity", readers.azure.activity(window)),
    attempt(
      "service",
      diagnose(readers, { since: window.since.toISOString(), until: window.until.toISOString() }, async () => csharp, now),
    ),
  ]);
  const changes =
    log.kind === "read" ? log.value.changes.filter(({ state, time }) => made.has(state) && new Date(time) < window.until) : null;
  const drills = (changes ?? []).filter(({ tool }) => tool === drillTool);
  const written = [
    ...(changes ?? []).flatMap(({ documents }) => documents),
    ...(activity.kind === "read" ? activity.value.filter(({ outcome }) => outcome !== "failed").map(({ target }) => target) : []),
  ];
  const limits = inventory.kind === "read" ? teamLimits(inventory.value, csharp) : null;
  return {
    traffic,
    teams: reportedTeams(traffic, limits, written),
    changes: changes === null ? "unknown" : changes.filter(({ tool }) => tool !== drillTool),
    drills: await Promise.all(
      drills.slice(0, mostDrills).map(({ changeId, summary, state }) => drillOf(readers, changeId, summary, state)),
    ),
    leftOut: (log.kind === "read" ? log.value.leftOut : 0) + Math.max(0, drills.length - mostDrills),
    findings: findings.kind === "read" ? findings.value : null,
    missing: [...traffic.now.missing, ...(findings.kind === "read" ? rolesMissing(findings.value) : [])].slice(0, mostMissing),
    notes: [
      ...traffic.notes.map((note) => withoutHint(note, ground)),
      ...(inventory.kind === "read" ? inventory.value.notes : [`Teams and their limits cannot be read: ${inventory.error.message}`]),
      ...(now.getTime() - traffic.before.since.getTime() > keptDays * dayMs
        ? [`The time before reaches back more than ${keptDays} days: the workspace may not have kept all of its logs.`]
        : []),
    ],
  };
}

/** A right that is missing, with the command that grants it: the same command once. */
function rolesMissing({ unknown }: Pick<Diagnosis, "unknown">): GovernanceReport["missing"] {
  const commands = unknown.filter(({ do: todo }) => todo.startsWith("az role assignment create "));
  return [...new Set(commands.map(({ do: todo }) => todo))].map((fix) => ({
    what: commands
      .filter(({ do: todo }) => todo === fix)
      .map(({ why }) => why)
      .join(" "),
    fix,
  }));
}

/** The command stands whole under `missing`; a page has no use for one. */
const withoutHint = (note: string, { freshness }: UsageGround): string =>
  freshness.kind === "refused" && freshness.error.hint !== undefined ? note.replace(` ${freshness.error.hint}`, "") : note;

const drillTool = "run_failover_drill";

const endOf = (until: string, now: Date): Date => metricsWindow({ until }, now).until;

/** As far as its records can be read. */
async function drillOf(readers: ReportReaders, drillId: string, summary: string, state: string): Promise<ReportedDrill> {
  const read = await attempt("journal", readers.drill(drillId));
  return read.kind === "read" ? read.value : { drillId, drill: summary, state, window: null, verdict: null };
}
